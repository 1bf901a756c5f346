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

const sentence = (text) => text[0].toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : ".");

/** Nobody answered. Whether the server acted is unknown, so only idempotent things may be retried. */
export class Unreachable extends Error {
  constructor(cause) {
    super("The server cannot be reached.", { cause });
    this.name = "Unreachable";
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

  send = ({ conversation, text, client_id }) =>
    this.#call("POST", "messages", { body: { conversation, text, client_id, device: this.device } });

  messages = (conversation, query) => this.#call("GET", `conversations/${conversation}/messages`, { query });
  markRead = (conversation, number) =>
    this.#call("PUT", `conversations/${conversation}/read`, { body: { number } });

  findPeople = (query, signal) => this.#call("GET", "users", { query: { query }, signal });
  ask = (name) => this.#call("POST", "friends", { body: { name } });
  accept = (name) => this.#call("PUT", `friends/${encodeURIComponent(name)}`);
  unfriend = (name) => this.#call("DELETE", `friends/${encodeURIComponent(name)}`);

  async #call(method, path, { body, query, signal, guest = false, patience = CALL_MS } = {}) {
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
      return await this.#answer(response, guest);
    } catch (error) {
      throw error instanceof Problem ? error : new Unreachable(error);
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener("abort", abort);
    }
  }

  async #answer(response, guest) {
    if (response.ok) return response.status === 204 ? null : response.json();
    // A proxy's error page is no JSON: the status then has to do.
    const problem = new Problem(response.status, await response.json().catch(() => ({})));
    problem.retryAfter ??= Number(response.headers.get("Retry-After")) || null;
    if (problem.status === 401 && !guest) this.#onLoggedOut();
    throw problem;
  }
}
