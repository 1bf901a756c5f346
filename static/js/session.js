/** What a session is made of. Everything that one part knows of another is handed over here. */

import { Api } from "./api.js";
import { Badge } from "./badge.js";
import { openChannel } from "./channel.js";
import { Drafts } from "./drafts.js";
import { election } from "./election.js";
import { Friendships } from "./friendships.js";
import { History } from "./history.js";
import { Notify } from "./notify.js";
import { Outbox } from "./outbox.js";
import { OutboxEntries } from "./outbox_entries.js";
import { randomId } from "./random.js";
import { ReadMarks } from "./read_marks.js";
import { Receipts } from "./receipts.js";
import { SharedFeed } from "./shared_feed.js";
import { conversationWith, unreadTotal } from "./state.js";
import { Store } from "./store.js";
import { Screen } from "./views/screen.js";

/** Of this page load: a page after a reload has to be told everything. */
const device = randomId();
const badge = new Badge();

export class Session {
  account;
  outbox;
  #api;
  #channel;
  #feed;
  #drafts;
  #receipts;
  #notify;
  #screen;
  /** Whether the person is about to go in this tab. */
  #going = false;
  /** What the person does in another tab: "logged_out" or "deleted" (the account). */
  #left = null;
  /** Whether the server has said that the session is over. */
  #ended = false;

  /** `over(left)` is called once the session has ended: by itself (null), or by what the person did in another tab. */
  constructor(root, account, { router, say, over, accountActs }) {
    const { slot, name } = account;
    this.account = account;
    const channel = openChannel(slot);
    const api = new Api(slot, {
      device,
      onLoggedOut: () => {
        this.#ended = true;
        if (this.#going) return;
        channel.post({ type: "over" });
        over(this.#left);
      },
    });
    const store = new Store(name);
    const drafts = new Drafts(name);
    const feed = new SharedFeed({ api, store, channel, election: election(slot), device });
    const outbox = new Outbox({ api, store, entries: new OutboxEntries(name), leads: () => feed.leads });
    const history = new History({ api, store });
    const marks = new ReadMarks({ api, store });
    const receipts = new Receipts({ api, store, leads: () => feed.leads });
    const friendships = new Friendships({ api, store, say });
    store.addEventListener("lost", () => feed.resync());
    outbox.addEventListener("sent", ({ detail: message }) => {
      channel.post({ type: "stored", message });
      // Whoever of the two reaches the server first saves the other the rest of its pause.
      feed.wake();
    });
    channel.addEventListener("message", ({ detail: { type, message, left } }) => {
      if (type === "stored") store.applyMessage(message);
      if (type === "leaving") this.#left = left;
      if (type === "over" && !this.#going) over(this.#left);
    });
    feed.addEventListener("status", ({ detail: status }) => {
      if (status === "live") for (const part of [outbox, marks, receipts, history]) part.wake();
    });
    store.addEventListener("change", () => badge.show(unreadTotal(store.state)));
    const notify = new Notify({
      store,
      channel,
      leads: () => feed.leads,
      inView: (id) => isInView(id, router.route, store.state),
      open: ({ id, kind, with: friend }) => (kind === "group" ? router.openGroup(id) : router.openChat(friend)),
    });
    this.#screen = new Screen(root, {
      api, store, outbox, drafts, history, marks, feed, friendships, router, say, notify, accountActs,
    });
    this.outbox = outbox;
    this.#api = api;
    this.#channel = channel;
    this.#feed = feed;
    this.#drafts = drafts;
    this.#receipts = receipts;
    this.#notify = notify;
    outbox.start();
    feed.start();
  }

  logOut = () => this.#end("logged_out", (api) => api.logOut());
  deleteAccount = (password) => this.#end("deleted", (api) => api.deleteAccount(password));

  /**
   * Ends the session at the server by `call`, and with it what was kept for it in this browser. Gives whether it was this
   * call that ended it.
   */
  async #end(left, call) {
    this.#leave(left);
    // Otherwise our parked poll would end with a 401, as if somebody else had logged us out.
    this.#feed.pause();
    try {
      await call(this.#api);
    } catch (error) {
      // The session may be gone already; or else it goes on.
      if (error.status !== 401 && !this.#ended) {
        this.#leave(null);
        this.#feed.resume();
        throw error;
      }
    }
    this.outbox.clear();
    this.#drafts.clear();
    this.#channel.post({ type: "over" });
    return !this.#ended;
  }

  #leave(left) {
    this.#going = left !== null;
    this.#channel.post({ type: "leaving", left });
  }

  stop() {
    for (const part of [this.#feed, this.outbox, this.#drafts, this.#receipts, this.#notify, this.#screen]) part.stop();
    badge.show(0);
    this.#channel.close();
  }
}

/** Whether this tab shows the conversation to somebody who looks. */
function isInView(id, { page, name, group }, state) {
  const looks = document.visibilityState === "visible" && document.hasFocus();
  return looks && page === "chat" && (group ?? conversationWith(state, name)?.id) === id;
}
