/** The card of a person: how they present themselves, and what one can do about them. */

import { t } from "../../i18n.js";
import { presenceWord } from "../../format.js";
import { avatarOf } from "../avatar.js";
import { openDialog } from "../dialog.js";
import { h, icon } from "../dom.js";
import { relationTo } from "../people.js";

export async function open({ api, store, directory, act }, name) {
  let dialogElement;
  const draw = (body) => body.replaceChildren(...content({ store, directory, act, close: () => dialogElement.close() }, name));
  const stopped = new AbortController();
  const shown = openDialog({
    title: t("person.title"),
    draw(body, dialog) {
      dialogElement = dialog;
      draw(body);
      const again = () => draw(body);
      store.addEventListener("change", again, { signal: stopped.signal });
      api.user(name).then(({ user }) => { directory.learn([user]); again(); }, () => {});
    },
    onclose: () => stopped.abort(),
  });
  await shown;
}

function content({ store, directory, act, close }, name) {
  const { state } = store;
  const person = directory.of(name);
  const relation = name === state.me ? "me" : relationTo(state, name);
  const friend = state.friends.get(name);
  const face = h("div", { class: "profile" }, avatarOf(person, "huge"), h("h3", { dir: "auto" }, person.shown));
  face.append(h("p", {}, `@${name}`));
  if (person.gone) face.append(h("p", {}, t("person.gone")));
  if (friend) face.append(h("p", {}, presenceWord(friend.online, true)));
  if (person.status) face.append(h("p", { class: "status", dir: "auto" }, person.status));
  const then = (what) => () => { close(); act[what](name); };
  const choices = CHOICES[person.gone && relation === "none" ? "gone" : relation].map(([word, symbol, what, danger]) =>
    h("button", { type: "button", class: danger ? "danger" : "", onclick: then(what) }, icon(symbol), t(word)));
  return [face, h("div", { class: "choice-list" }, ...choices)];
}

const BLOCK = ["person.block", "block", "block", true];
const CHOICES = {
  me: [],
  gone: [],
  friend: [["people.chat", "chat", "talk"], ["friend.end", "close", "endFriendship", true], BLOCK],
  none: [["person.ask", "add-person", "ask"], BLOCK],
  outgoing: [["people.withdraw", "close", "end"], BLOCK],
  incoming: [["people.accept", "check", "accept"], ["people.decline", "close", "end", true], BLOCK],
  blocked: [["people.unblock", "block", "unblock"]],
};
