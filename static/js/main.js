/**
 * The wiring: who is logged in in this tab, and what a session is made of. Everything that one part
 * knows of another is handed over here.
 */

import { Api } from "./api.js";
import { Drafts } from "./drafts.js";
import { Feed } from "./feed.js";
import { Friendships } from "./friendships.js";
import { History } from "./history.js";
import { Outbox, randomId } from "./outbox.js";
import { ReadMarks } from "./read_marks.js";
import { Router } from "./router.js";
import { slotLocks } from "./slot_locks.js";
import { Slots } from "./slots.js";
import { Store } from "./store.js";
import { confirm } from "./views/dialog.js";
import { LoginView } from "./views/login.js";
import { Screen } from "./views/screen.js";
import { Toast } from "./views/toast.js";

const root = document.getElementById("app");
const toast = new Toast(document.getElementById("toast"));
const router = new Router();
const slots = new Slots({ locks: slotLocks() });
/** Of this page load: another tab of the same account, or this one after a reload, has to be told everything. */
const device = randomId();

/** The view of those who are not logged in, or the session; one of the two. */
let login = null;
let session = null;

function openSession({ slot, name }) {
  login?.stop();
  login = null;
  slots.adopt({ slot, name });
  const say = (sentence) => toast.show(sentence);

  const api = new Api(slot, {
    device,
    // A late answer to a session before this one must not end this one.
    onLoggedOut: () => session?.api === api && endSession("You were logged out. Log in again to go on."),
  });
  const store = new Store(name);
  const drafts = new Drafts(name);
  const outbox = new Outbox({ api, store, me: name });
  const history = new History({ api, store });
  const marks = new ReadMarks({ api, store });
  const friendships = new Friendships({ api, store, say });
  const feed = new Feed({
    events: api.events.bind(api),
    snapshot: async (signal) => {
      const snapshot = await api.state(signal);
      store.applySnapshot(snapshot);
      return snapshot.cursor;
    },
    deliver: (events) => store.applyEvents(events),
  });
  store.addEventListener("lost", () => feed.resync());
  // Whoever of the two reaches the server first saves the other the rest of its pause.
  outbox.addEventListener("sent", () => feed.wake());
  feed.addEventListener("status", ({ detail: status }) => {
    if (status === "live") for (const part of [outbox, marks, history]) part.wake();
  });

  if (["login", "register"].includes(router.route.page)) router.replace("#/");
  const screen = new Screen(root, {
    api, store, outbox, drafts, history, marks, feed, friendships, router, logOut: () => logOut(),
  });
  const stop = () => [feed, outbox, screen].forEach((part) => part.stop());
  session = { slot, name, api, feed, outbox, drafts, stop };
  outbox.start();
  feed.start();
}

/** Drafts and unsent messages stay in the tab, for the same person's next login. */
function endSession(notice) {
  if (!session) return;
  const { slot, name } = session;
  session.stop();
  session = null;
  slots.forget(slot);
  showLogin(notice ? { notice, name } : {});
}

async function logOut() {
  const { slot, name, api, feed, outbox, drafts } = session;
  const text = "Messages that were not sent yet will be lost.";
  const sure = outbox.pending === 0 || (await confirm({ title: "Log out?", text, action: "Log out" }));
  if (!sure || !session) return;
  // Otherwise the parked poll would end with a 401, as if somebody else had logged us out.
  feed.stop();
  try {
    await api.logOut();
  } catch (error) {
    // 401: the session is gone already, which is what was wanted.
    if (error.status !== 401) {
      session.stop();
      openSession({ slot, name });
      return toast.show(`Could not log out. ${error.message}`);
    }
  }
  outbox.clear();
  drafts.clear();
  router.replace("#/login");
  endSession();
}

function showLogin({ notice, name } = {}) {
  login = new LoginView(root, { logIn, register, resume: openSession, accounts: slots.accounts(), notice, name });
  login.show(router.route.page);
}

async function logIn(name, password) {
  const slot = await slots.forLogin(name);
  try {
    const { user } = await new Api(slot).logIn(name, password);
    openSession({ slot, name: user.name });
  } catch (error) {
    slots.release();
    throw error;
  }
}

async function register(name, password) {
  await new Api("main").register(name, password);
  await logIn(name, password);
}

router.addEventListener("change", () => login?.show(router.route.page));

const account = await slots.resume();
if (account) openSession(account);
else showLogin();
