/**
 * The card of those who are not logged in: log in, create an account, or go on as somebody whom
 * this browser knows. What the server refuses is said at the field that it is about.
 */

import { Problem } from "../api.js";
import { chooseLanguage, language, languages, t, wording } from "../i18n.js";
import { drawAvatar } from "./avatar.js";
import { fromTemplate, h } from "./dom.js";

const PAGES = {
  login: {
    title: "login.log_in", submit: "login.log_in", password: "current-password",
    question: "login.new", other: "login.create", otherAddress: "#/register",
  },
  register: {
    title: "login.create", submit: "login.create_submit", password: "new-password",
    question: "login.have_account", other: "login.log_in", otherAddress: "#/login",
    nameNote: "login.name_note", passwordNote: "login.password_note",
  },
};
/** Which field a refusal is about; all others are about the form. */
const FIELD_OF = { bad_name: "name", name_taken: "name", bad_password: "password" };

export class LoginView {
  #root;
  #logIn;
  #register;
  #parts;
  #page = PAGES.login;

  /**
   * `logIn(name, password)` and `register(name, password)` do it or throw; `resume(account)` goes on
   * as a known one; `notice` is a sentence to begin with, `name` the name to fill in.
   */
  constructor(root, { logIn, register, resume, accounts, notice = "", name = "" }) {
    this.#root = root;
    this.#logIn = logIn;
    this.#register = register;
    const { element, parts } = fromTemplate("login");
    this.#parts = parts;
    parts.name.value = name;
    this.#say("notice", notice);
    element.querySelector("form").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    for (const field of [parts.name, parts.password]) {
      field.addEventListener("input", () => this.#clear(field));
    }
    this.#drawAccounts(accounts, resume);
    this.#drawLanguages();
    root.replaceChildren(element);
    (name ? parts.password : parts.name).focus();
  }

  /** Draws the page that the address asks for. */
  show(page) {
    this.#page = PAGES[page] ?? PAGES.login;
    const { password, other } = this.#parts;
    for (const part of ["title", "submit", "question", "other"]) this.#parts[part].textContent = t(this.#page[part]);
    other.href = this.#page.otherAddress;
    password.autocomplete = this.#page.password;
    this.#clear(this.#parts.name);
    this.#clear(password);
  }

  stop() {
    this.#root.replaceChildren();
  }

  #drawAccounts(accounts, resume) {
    this.#parts.accounts.hidden = accounts.length === 0;
    for (const account of accounts) {
      const { element, parts } = fromTemplate("chip");
      drawAvatar(element.querySelector(".avatar"), account);
      parts.label.textContent = t("account.continue", { name: account.name });
      element.querySelector("button").addEventListener("click", () => resume(account));
      this.#parts.chips.append(element);
    }
  }

  #drawLanguages() {
    const buttons = Object.entries(languages).map(([code, { name, tag }]) => {
      const pressed = String(code === language);
      return h("button", { type: "button", lang: tag, "aria-pressed": pressed, onclick: () => chooseLanguage(code) }, name);
    });
    this.#parts.languages.append(...buttons);
  }

  async #submit() {
    const { name, password, submit } = this.#parts;
    this.#say("notice", "");
    if (!name.value.trim()) return this.#refuse(name, t("login.name_missing"));
    if (!password.value) return this.#refuse(password, t("login.password_missing"));
    submit.disabled = true;
    try {
      const act = this.#page === PAGES.register ? this.#register : this.#logIn;
      await act(name.value.trim(), password.value);
    } catch (error) {
      submit.disabled = false;
      this.#explain(error);
    }
  }

  #explain(error) {
    const field = this.#parts[FIELD_OF[error.code]];
    if (field) this.#refuse(field, wording(error));
    else this.#say("notice", error instanceof Problem ? wording(error) : t("login.unreachable"));
    if (error.code === "wrong_credentials") this.#parts.password.select();
  }

  #refuse(field, sentence) {
    field.setAttribute("aria-invalid", "true");
    this.#noteOf(field).textContent = sentence;
    field.focus();
  }

  #clear(field) {
    field.removeAttribute("aria-invalid");
    const note = this.#noteOf(field);
    const key = this.#page[note.dataset.ref];
    note.textContent = key ? t(key) : "";
  }

  #noteOf(field) {
    return this.#parts[`${field.name}Note`];
  }

  #say(part, sentence) {
    this.#parts[part].textContent = sentence;
    this.#parts[part].hidden = !sentence;
  }
}
