/** Who is writing just now, in words; and telling the others that one is. */

import { t } from "../i18n.js";

/** Told again at most this often; the others see it for 6 s. */
const AGAIN_MS = 4_000;

/** "" where nobody is; in a group with names. */
export function typingWords(state, { id, kind }, shown) {
  const names = typingIn(state, id).filter((name) => name !== state.me);
  if (names.length === 0) return "";
  if (kind !== "group") return t("typing.one");
  return names.length > 1 ? t("typing.many", { count: names.length }) : t("typing.named", { name: shown(names[0]) });
}

/** The names of those whose typing has not expired. */
function typingIn({ typing }, id) {
  const theirs = typing?.get(id);
  return theirs ? [...theirs.keys()] : [];
}

export class TypingTeller {
  #api;
  #store;
  #told = new Map();

  constructor({ api, store }) {
    this.#api = api;
    this.#store = store;
  }

  /** One has typed something there. That it is not heard does no harm. */
  typed(id) {
    if (this.#store.state.profile?.hide_typing) return;
    const now = performance.now();
    if (now - (this.#told.get(id) ?? -Infinity) < AGAIN_MS) return;
    this.#told.set(id, now);
    this.#api.typing(id).catch(() => {});
  }

  /** What was typed is sent: the next letter is news again. */
  sent(id) {
    this.#told.delete(id);
  }
}
