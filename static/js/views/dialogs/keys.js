/** The keys that one can use. */

import { t } from "../../i18n.js";
import { openDialog } from "../dialog.js";
import { h } from "../dom.js";

const COMMAND = /Mac|iPhone|iPad/.test(navigator.platform) ? "⌘" : "Ctrl";
const KEYS = {
  everywhere: [[[COMMAND, "K"], "search"], [["Alt", "↑"], "previous"], [["Alt", "↓"], "next"], [["Alt", "N"], "group"], [[COMMAND, ","], "settings"], [["?"], "help"]],
  writing: [[["Enter"], "send"], [["Shift", "Enter"], "line"], [["↑"], "edit.last"], [["@"], "mention"], [["Esc"], "cancel"]],
  messages: [[["↑"], "up"], [["↓"], "down"], [["Enter"], "menu"], [["R"], "reply"], [["E"], "edit"], [["Del"], "remove"]],
};

export const open = () =>
  openDialog({
    title: t("me.keys"),
    draw(body) {
      // It may be longer than the window, and has nothing else that takes the focus.
      body.tabIndex = 0;
      body.append(...Object.entries(KEYS).flatMap(([group, keys]) => [h("h3", {}, t(`keys.${group}`)), table(keys)]));
    },
  });

const table = (keys) =>
  h("dl", { class: "keys" }, ...keys.flatMap(([names, does]) => [
    h("dt", {}, ...names.map((name) => h("kbd", {}, name))),
    h("dd", {}, t(`keys.${does}`)),
  ]));
