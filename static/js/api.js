/**
 * The JSON API as functions. One `Api` speaks for one session *slot*, for as long as that session
 * lives: a late answer can therefore never be mistaken for one of another person.
 *
 * A call gives the answer's JSON, or throws `Problem` (the server said no, in words) or
 * `Unreachable` (nobody answered: network down, timeout, aborted). Nothing here retries.
 */

/** An ordinary call is given up after this long. */
const CALL_MS = 15_000;
/** The server holds a poll for about 25 s; past 40 s the connection must be dead. */
export const POLL_MS = 40_000;
/** A poll with `timeout=0` is answered at once, so silence soon means trouble. */
const PROBE_MS = 10_000;
/** Where another tab is logging in again, the cookie of the new session is here by then. */
const RENEWED_MS = 500;
/** All that one has ever said may be much. */
const DATA_MS = 300_000;

/** The server's refusal (RFC 9457): `code` is stable, `message` a sentence one may show. */
export class Problem extends Error {
  constructor(status, { code = "unknown", detail, title, retry_after: retryAfter = null } = {}) {
    super(sentence(detail || title || "the server could not do that"));
    this.name = "Problem";
    this.status = status;
    this.code = code;
    /** Seconds, or null. */
    this.retryAfter = retryAfter;
  }
}

/** These say "not now": the same may succeed later. */
const NOT_NOW = new Set([408, 425, 429, 502, 503, 504]);

/** Whether the same would be refused again, however often one tried. */
export const isFinal = ({ status }) => status >= 400 && status < 500 && !NOT_NOW.has(status);
/** Whether the server has failed, and may fail so again. */
export const isServerError = ({ status }) => status >= 500 && !NOT_NOW.has(status);

const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/** Nobody answered. Whether the server acted is unknown, so only idempotent things may be retried. */
export class Unreachable extends Error {
  constructor(cause) {
    super("The server cannot be reached.", { cause });
    this.name = "Unreachable";
    this.code = "unreachable";
  }
}

export class Api {
  /**
   * The page that polls for this tab, by a name of its own. What is sent under it does not end that poll: the tab that
   * sent it tells the others itself what the answer was.
   */
  device;
  #slot;
  #onLoggedOut;

  /** `onLoggedOut()` is called whenever the server no longer knows this session (401). */
  constructor(slot, { device, onLoggedOut = () => {} } = {}) {
    this.#slot = slot;
    this.device = device;
    this.#onLoggedOut = onLoggedOut;
  }

  register = (name, password) => this.#call("POST", "users", { body: { name, password } });
  logIn = (name, password) => this.#call("POST", "session", { body: { name, password }, guest: true });
  logOut = () => this.#call("DELETE", "session", { guest: true });

  state = (signal) => this.#call("GET", "state", { signal });

  /** The long poll; with `probe` it is answered at once, which shows that the server is back. */
  events(cursor, { signal, probe = false } = {}) {
    const query = { after: cursor, device: this.device, ...(probe ? { timeout: 0 } : {}) };
    return this.#call("GET", "events", { query, signal, patience: probe ? PROBE_MS : POLL_MS });
  }

  /** `entry`: `{conversation, text, client_id, reply_to?, files?}`, as it is shown until it is stored. */
  send = ({ conversation, text, client_id, reply_to: answered, files }) => {
    const body = { conversation, text, client_id, device: this.device, reply_to: answered?.id };
    if (files) body.files = files.map(({ id }) => id);
    return this.#call("POST", "messages", { body });
  };
  edit = (message, text) => this.#call("PATCH", `messages/${message}`, { body: { text } });
  delete = (message) => this.#call("DELETE", `messages/${message}`);
  react = (message, emoji) => this.#call("PUT", reaction(message, emoji));
  unreact = (message, emoji) => this.#call("DELETE", reaction(message, emoji));

  /** A page of history: `query` has `before`, `after` or `around` (a message's id), and `limit`. */
  messages = (conversation, query) => this.#call("GET", `conversations/${conversation}/messages`, { query });
  /** Up to `number`; `back`: everything after it counts as unread again. */
  markRead = (conversation, number, { back } = {}) =>
    this.#call("PUT", `conversations/${conversation}/read`, { body: { number, back } });
  /** `{conversation: number}`: what this browser has got. */
  delivered = (numbers) => this.#call("POST", "receipts", { body: { delivered: numbers } });
  typing = (conversation) => this.#call("POST", `conversations/${conversation}/typing`);
  /** `query` has `query`, and perhaps `conversation`, `before` and `limit`. */
  search = (query, signal) => this.#call("GET", "search", { query, signal });

  createGroup = (name, members) => this.#call("POST", "conversations", { body: { name, members } });
  conversation = (id) => this.#call("GET", `conversations/${id}`);
  renameGroup = (id, name) => this.#call("PATCH", `conversations/${id}`, { body: { name } });
  /** Adds somebody, or changes their `role`. */
  putMember = (id, name, { role } = {}) => this.#call("PUT", member(id, name), { body: { role } });
  removeMember = (id, name) => this.#call("DELETE", member(id, name));
  mute = (id, muted) => this.#call("PUT", `conversations/${id}/settings`, { body: { muted } });

  /** `progress(share)` is told how much of it is there, from 0 to 1. */
  async upload(blob, name, { progress, signal } = {}) {
    const address = `/api/files?${new URLSearchParams({ name })}`;
    const headers = { "X-Webchat-Session": this.#slot, "Content-Type": blob.type || "application/octet-stream" };
    const sending = import("./upload.js").then(({ upload }) => upload(address, blob, { headers, progress, signal }));
    const { status, retryAfter, answer } = await sending.catch((error) => {
      throw new Unreachable(error);
    });
    if (status < 400) return answer;
    if (status === 401) this.#onLoggedOut();
    throw new Problem(status, { ...answer, retry_after: answer.retry_after ?? retryAfter });
  }

  // What a picture or a link asks for itself: it cannot send the header that names the session.
  fileAddress = (id) => this.#address(`files/${id}`);
  thumbnailAddress = (id) => this.#address(`files/${id}/thumbnail`);
  /** `version`: the `avatar` of the profile; with it the browser keeps the picture. */
  avatarAddress = (name, version) => this.#address(`users/${encodeURIComponent(name)}/avatar`, { v: version });

  findPeople = (query, signal) => this.#call("GET", "users", { query: { query }, signal });
  user = (name) => this.#call("GET", `users/${encodeURIComponent(name)}`);
  ask = (name, note) => this.#call("POST", "friends", { body: { name, note } });
  accept = (name) => this.#call("PUT", `friends/${encodeURIComponent(name)}`);
  unfriend = (name) => this.#call("DELETE", `friends/${encodeURIComponent(name)}`);
  block = (name) => this.#call("PUT", `blocks/${encodeURIComponent(name)}`);
  unblock = (name) => this.#call("DELETE", `blocks/${encodeURIComponent(name)}`);

  me = () => this.#call("GET", "me");
  changeMe = (changes) => this.#call("PATCH", "me", { body: changes });
  changePassword = (old, password) => this.#call("PUT", "me/password", { body: { old, new: password } });
  sessions = () => this.#call("GET", "me/sessions");
  endSession = (id) => this.#call("DELETE", `me/sessions/${id}`);
  data = () => this.#call("GET", "me/data", { patience: DATA_MS });
  deleteAccount = (password) => this.#call("DELETE", "me", { body: { password } });

  #address(path, query = {}) {
    return `/api/${path}?${new URLSearchParams({ ...query, slot: this.#slot })}`;
  }

  /** A log-in ends the session that its slot had, and this call may still have been of that one: then once more. */
  async #call(method, path, options = {}) {
    try {
      return await this.#attempt(method, path, options);
    } catch (error) {
      if (error.status !== 401 || options.guest) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, RENEWED_MS));
    try {
      return await this.#attempt(method, path, options);
    } catch (error) {
      if (error.status === 401) this.#onLoggedOut();
      throw error;
    }
  }

  async #attempt(method, path, { body, query, signal, patience = CALL_MS }) {
    const search = query ? `?${new URLSearchParams(query)}` : "";
    const deadline = new AbortController();
    const abort = () => deadline.abort();
    const timer = setTimeout(abort, patience);
    if (signal?.aborted) abort();
    signal?.addEventListener("abort", abort);
    try {
      const response = await fetch(`/api/${path}${search}`, {
        method,
        headers: {
          Accept: "application/json",
          "X-Webchat-Session": this.#slot,
          ...(body ? { "Content-Type": "application/json" } : {}),
        },
        body: body && JSON.stringify(body),
        cache: "no-store",
        credentials: "same-origin",
        signal: deadline.signal,
      });
      return await this.#answer(response);
    } catch (error) {
      throw error instanceof Problem ? error : new Unreachable(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  async #answer(response) {
    if (response.ok) return response.status === 204 ? null : response.json();
    // A proxy's error page is no JSON: the status then has to do.
    const problem = new Problem(response.status, await response.json().catch(() => ({})));
    problem.retryAfter ??= Number(response.headers.get("Retry-After")) || null;
    throw problem;
  }
}

// Fields that are undefined are not in the JSON: an older server does not hear of them.
const reaction = (message, emoji) => `messages/${message}/reactions/${encodeURIComponent(emoji)}`;
const member = (id, name) => `conversations/${id}/members/${encodeURIComponent(name)}`;
