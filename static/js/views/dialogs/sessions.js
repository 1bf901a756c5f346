/** Where one is logged in, and the end of it. */

import { listTime } from "../../format.js";
import { t, wording } from "../../i18n.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";

export function open({ api, say }) {
  return openDialog({
    title: t("me.sessions"),
    async draw(body) {
      const list = h("ul", { class: "rows", "aria-busy": "true" });
      const skeleton = h("ul", { class: "skeleton", "aria-hidden": "true" }, h("li"), h("li"));
      body.append(h("p", { class: "soft" }, t("sessions.text")), skeleton, list);
      try {
        const { sessions } = await api.sessions();
        list.append(...sessions.map((session) => row(session, { api, say })));
      } catch (error) {
        list.append(h("li", {}, wording(error)));
      }
      skeleton.remove();
      list.removeAttribute("aria-busy");
    },
  });
}

function row({ id, current, seen_at: seen, created_at: created, address, agent }, { api, say }) {
  const when = seen ?? created;
  const facts = [address, when && !current ? t("sessions.seen", { time: listTime(when) }) : ""].filter(Boolean).join(" · ");
  const element = h("li", {}, h("span", {}, h("b", {}, deviceOf(agent)), h("small", {}, facts)));
  if (current) element.append(h("span", { class: "tag" }, t("sessions.current")));
  else {
    const end = async ({ currentTarget: button }) => {
      button.disabled = true;
      try {
        await api.endSession(id);
        element.remove();
      } catch (error) {
        button.disabled = false;
        say(wording(error));
      }
    };
    element.append(h("button", { type: "button", class: "button small quiet", onclick: end }, t("sessions.end")));
  }
  return element;
}

const BROWSERS = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]];
const SYSTEMS = [["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Windows", "Windows"], ["Mac OS", "macOS"], ["Linux", "Linux"]];

/** "Firefox · Linux" of what a browser says of itself, or what a program does. */
function deviceOf(agent = "") {
  const find = (table) => table.find(([sign]) => agent.includes(sign))?.[1];
  const known = [find(BROWSERS), find(SYSTEMS)].filter(Boolean).join(" · ");
  return known || agent.slice(0, 60) || t("sessions.unknown");
}
