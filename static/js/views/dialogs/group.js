/** A group: its name, who is in it and as what, and what one may do about it with one's own role. */

import { t, wording } from "../../i18n.js";
import { avatarOf } from "../avatar.js";
import { confirm, openDialog } from "../dialog.js";
import { h, icon, iconButton } from "../dom.js";
import { openMenu } from "../menu.js";
import { toggle } from "./form.js";

export function open(deps, id) {
  const stopped = new AbortController();
  return openDialog({
    title: t("group.title"),
    draw: (body, dialog) => new Panel(deps, id, { body, dialog, signal: stopped.signal }),
    onclose: () => stopped.abort(),
  });
}

class Panel {
  #deps;
  #id;
  #body;
  #dialog;

  constructor(deps, id, { body, dialog, signal }) {
    this.#deps = deps;
    this.#id = id;
    this.#body = body;
    this.#dialog = dialog;
    deps.store.addEventListener("change", () => this.#changed(), { signal });
    this.#draw();
    this.#load();
  }

  get #talk() {
    return this.#deps.store.state.conversations.get(this.#id);
  }

  #changed() {
    if (!this.#talk) return this.#dialog.close();
    this.#deps.members.ensure(this.#talk);
    this.#draw();
  }

  async #load() {
    try {
      const { conversation, members } = await this.#deps.api.conversation(this.#id);
      this.#deps.store.applyConversation(conversation);
      this.#deps.members.take(this.#id, members);
    } catch (error) {
      this.#deps.say(wording(error));
    }
  }

  #draw() {
    const talk = this.#talk;
    const members = this.#deps.members.of(this.#id);
    const version = JSON.stringify([talk.name, talk.role, talk.members, talk.muted, members]);
    // Somebody's message must not take the focus away from here.
    if (version === this.#body.dataset.version) return;
    this.#body.dataset.version = version;
    const { role, name, muted } = talk;
    const rules = role === "owner" || role === "admin";
    const { dialog, changes, act, say } = this.#deps;
    const face = h("div", { class: "profile" }, avatarOf({ name, shown: name, group: true }, "huge"), h("h3", { dir: "auto" }, name));
    face.append(h("p", {}, t("chat.members", { count: talk.members ?? members.length })));
    const choice = (symbol, word, onclick, danger) =>
      h("button", { type: "button", class: danger ? "danger" : "", onclick }, icon(symbol), t(word));
    const choices = [
      rules && choice("edit", "group.rename", () => dialog("rename_group", this.#id)),
      rules && choice("add-person", "group.add", () => dialog("add_members", this.#id)),
    ].filter(Boolean);
    this.#body.replaceChildren(
      face,
      h("div", { class: "choice-list" }, ...choices),
      toggle(t("talk.quiet"), { note: t("talk.quiet.note"), on: Boolean(muted), say, changed: (on) => changes.mute(this.#id, on) }),
      h("h3", {}, t("group.members")),
      h("ul", { class: "rows" }, ...inOrder(members).map((member) => this.#row(member))),
      h("div", { class: "choice-list" },
        role === "admin" && choice("person", "group.step.down", () => this.#stepDown()),
        choice("logout", "group.leave", () => this.#leave(act), true)),
    );
  }

  #row({ name, role }) {
    const { directory, store, act } = this.#deps;
    const person = directory.of(name);
    const me = name === store.state.me;
    const words = h("span", {}, h("b", { dir: "auto" }, me ? t("group.me", { name: person.shown }) : person.shown));
    words.append(h("small", { dir: "auto" }, person.status || (person.shown === name ? "" : `@${name}`)));
    const items = me ? [] : [{ label: t("talk.details.person"), icon: "person", act: () => act.card(name) }, ...this.#powers(name, role)];
    const menu = ({ currentTarget: anchor }) => openMenu(items, { anchor });
    return h("li", {}, avatarOf(person, "middle"), words, role !== "member" && h("span", { class: "tag" }, t(`role.${role}`)),
      items.length > 0 && iconButton("more", t("group.member.menu", { name: person.shown }), menu, { "aria-haspopup": "menu" }));
  }

  /** What one may do to a member with one's own role. */
  #powers(name, role) {
    const mine = this.#talk.role;
    const put = (to) => () => this.#do((api) => api.putMember(this.#id, name, { role: to }));
    const shown = this.#deps.directory.shown(name);
    const over = mine === "owner" || (mine === "admin" && role === "member");
    return [
      mine === "owner" && role === "member" && { label: t("group.make.admin"), icon: "key", act: put("admin") },
      mine === "owner" && role === "admin" && { label: t("group.make.member"), icon: "person", act: put("member") },
      mine === "owner" && { label: t("group.make.owner"), icon: "key", act: () => this.#handOver(shown, put("owner")) },
      over && { label: t("group.remove"), icon: "trash", danger: true, act: () => this.#remove(name, shown) },
    ].filter(Boolean);
  }

  async #handOver(name, act) {
    const sure = await confirm({ title: t("group.make.owner.title", { name }), text: t("group.make.owner.text"), action: t("group.make.owner") });
    if (sure) await act();
  }

  async #stepDown() {
    const sure = await confirm({ title: t("group.step.down.title"), text: t("group.step.down.text"), action: t("group.step.down") });
    if (sure) await this.#do((api) => api.putMember(this.#id, this.#deps.store.state.me, { role: "member" }));
  }

  async #remove(name, shown) {
    const sure = await confirm({ title: t("group.remove.title", { name: shown }), text: t("group.remove.text"), action: t("group.remove") });
    if (sure) await this.#do((api) => api.removeMember(this.#id, name));
  }

  async #leave(act) {
    if (await act.leaveGroup(this.#id)) this.#dialog.close();
  }

  async #do(call) {
    try {
      await call(this.#deps.api);
      await this.#load();
    } catch (error) {
      this.#deps.say(wording(error));
    }
  }
}

const RANK = { owner: 0, admin: 1, member: 2 };
const inOrder = (members) => [...members].sort((one, other) => RANK[one.role] - RANK[other.role] || one.name.localeCompare(other.name));
