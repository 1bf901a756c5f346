/**
 * What the tabs of one slot tell each other: every message goes to all the others, in order, and
 * never to the one that posts it. Fires `message` with the message as detail.
 *
 * Where there is no BroadcastChannel, a key of localStorage is written and removed: the other tabs
 * hear of it by their `storage` event. Messages are plain JSON for its sake.
 */

const PREFIX = "webchat.channel.";

class Broadcast extends EventTarget {
  #channel;

  constructor(name) {
    super();
    this.#channel = new BroadcastChannel(PREFIX + name);
    this.#channel.addEventListener("message", ({ data }) => tell(this, data));
  }

  post(message) {
    this.#channel.postMessage(message);
  }

  close() {
    this.#channel.close();
  }
}

class Notes extends EventTarget {
  #key;
  #listening = new AbortController();

  constructor(name) {
    super();
    this.#key = PREFIX + name;
    const hear = ({ key, newValue }) => key === this.#key && newValue && tell(this, JSON.parse(newValue).message);
    addEventListener("storage", hear, { signal: this.#listening.signal });
  }

  post(message) {
    try {
      // The number makes two equal messages differ: an unchanged value is no event.
      localStorage.setItem(this.#key, JSON.stringify({ message, at: performance.now() }));
      localStorage.removeItem(this.#key);
    } catch {
      // Full: the others notice what they miss by the next cursor, and ask.
    }
  }

  close() {
    this.#listening.abort();
  }
}

/** No way to the other tabs: each is on its own. */
class Nothing extends EventTarget {
  post() {}
  close() {}
}

const tell = (channel, message) => channel.dispatchEvent(new CustomEvent("message", { detail: message }));

export function openChannel(name) {
  if (globalThis.BroadcastChannel) return new Broadcast(name);
  return storageWorks() ? new Notes(name) : new Nothing();
}

/** Whether localStorage is there and may be written: a privacy setting can forbid it. */
export function storageWorks() {
  try {
    localStorage.setItem(PREFIX, "1");
    localStorage.removeItem(PREFIX);
    return true;
  } catch {
    return false;
  }
}
