/**
 * The card of those who are not logged in: log in, create an account, or go on as somebody whom
 * this browser knows. What the server refuses is said at the field that it is about.
 */

import { Problem } from "../api.js";
import { drawAvatar } from "./avatar.js";
import { fromTemplate } from "./dom.js";

const PAGES = {
  login: {
    title: "Log in", submit: "Log in", password: "current-password",
    question: "New here?", other: "Create an account", otherAddress: "#/register",
    nameNote: "", passwordNote: "",
  },
  register: {
    title: "Create an account", submit: "Create account", password: "new-password",
    question: "Already have an account?", other: "Log in", otherAddress: "#/login",
    nameNote: "2 to 32 letters (a–z), digits, “_”, “.” or “-”.", passwordNote: "At least 8 characters.",
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
    root.replaceChildren(element);
    (name ? parts.password : parts.name).focus();
  }

  /** Draws the page that the address asks for. */
  show(page) {
    this.#page = PAGES[page] ?? PAGES.login;
    const { title, submit, password, question, other, nameNote, passwordNote } = this.#parts;
    title.textContent = this.#page.title;
    submit.textContent = this.#page.submit;
    question.textContent = this.#page.question;
    other.textContent = this.#page.other;
    other.href = this.#page.otherAddress;
    password.autocomplete = this.#page.password;
    nameNote.textContent = this.#page.nameNote;
    passwordNote.textContent = this.#page.passwordNote;
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
      drawAvatar(element.querySelector(".avatar"), account.name);
      parts.label.textContent = `Continue as ${account.name}`;
      element.querySelector("button").addEventListener("click", () => resume(account));
      this.#parts.chips.append(element);
    }
  }

  async #submit() {
    const { name, password, submit } = this.#parts;
    this.#say("notice", "");
    if (!name.value.trim()) return this.#refuse(name, "Your name, please.");
    if (!password.value) return this.#refuse(password, "Your password, please.");
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
    if (field) this.#refuse(field, error.message);
    else if (error instanceof Problem) this.#say("notice", error.message);
    else this.#say("notice", "The server cannot be reached. Is the line up? Please try again.");
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
    note.textContent = this.#page[note.dataset.ref];
  }

  #noteOf(field) {
    return this.#parts[`${field.name}Note`];
  }

  #say(part, sentence) {
    this.#parts[part].textContent = sentence;
    this.#parts[part].hidden = !sentence;
  }
}
