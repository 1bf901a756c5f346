/** The wiring: who is logged in in this tab. What a session is made of is session.js's business. */

import { Api } from "./api.js";
import { loadLanguage, t, wording } from "./i18n.js";
import { Router } from "./router.js";
import { Session } from "./session.js";
import { Slots } from "./slots.js";
import { confirm } from "./views/dialog.js";
import { Toast } from "./views/toast.js";

const root = document.getElementById("app");
const toast = new Toast(document.getElementById("toast"));
const router = new Router();
const slots = new Slots();

/** The view of those who are not logged in, or the session; one of the two. */
let login = null;
let session = null;

function openSession(account) {
  login?.stop();
  login = null;
  slots.adopt(account);
  if (["login", "register"].includes(router.route.page)) router.replace("#/");
  session = new Session(root, account, {
    router,
    say: (sentence) => toast.show(sentence),
    over: (left) => endSession(account, left),
    accountActs: { logOut, deleteAccount, addAccount, switchTo, accounts: () => slots.accounts() },
  });
}

/**
 * Drafts and unsent messages stay in the browser, for the same person's next login; unless the person `left`, in another
 * tab: "logged_out" or "deleted".
 */
function endSession(account, left = null) {
  // A late answer to a session before this one must not end this one.
  if (session?.account !== account) return;
  closeSession();
  if (left) slots.forget(account.slot);
  else slots.expire(account);
  if (left === "deleted") showLogin({ notice: t("account.deleted") });
  else showLogin({ notice: t("account.logged_out"), name: account.name });
}

function closeSession() {
  session.stop();
  session = null;
}

async function logOut() {
  const { account, outbox } = session;
  const words = { title: t("account.log_out_question"), text: t("account.log_out_text"), action: t("account.log_out") };
  const sure = outbox.pending === 0 || (await confirm(words));
  if (!sure || session?.account !== account) return;
  try {
    await session.logOut();
  } catch (error) {
    return toast.show(t("account.log_out_failed", { reason: wording(error) }));
  }
  leave(account);
}

/** Throws where the password is wrong, or nobody answers. */
async function deleteAccount(password) {
  const { account } = session;
  const deleted = await session.deleteAccount(password);
  leave(account, t(deleted ? "account.deleted" : "account.logged_out"));
}

/** The account is no more in this browser, or nowhere. */
function leave(account, notice = "") {
  if (session?.account !== account) return;
  closeSession();
  slots.forget(account.slot);
  router.replace("#/login");
  showLogin({ notice });
}

/** The account goes on in other tabs, and can be taken up again in this one. */
function addAccount() {
  closeSession();
  slots.addAccount();
  router.replace("#/login");
  showLogin();
}

function switchTo({ slot }) {
  if (session) {
    closeSession();
    router.replace("#/");
  }
  const account = slots.switchTo(slot);
  if (account) openSession(account);
  else showLogin({ notice: t("account.logged_out") });
}

/** Loaded when it is wanted: most visits begin logged in. */
async function showLogin({ notice, name } = {}) {
  login?.stop();
  login = null;
  const { LoginView } = await import("./views/login.js");
  if (login || session) return;
  login = new LoginView(root, { logIn, register, resume: switchTo, accounts: slots.accounts(), notice, name });
  login.show(router.route.page);
}

async function logIn(name, password) {
  const slot = slots.forLogin(name);
  const { user } = await new Api(slot).logIn(name, password);
  openSession({ slot, name: user.name });
}

async function register(name, password) {
  await new Api("main").register(name, password);
  await logIn(name, password);
}

router.addEventListener("change", () => login?.show(router.route.page));
// Another tab has logged in again as the person whom this one waits for.
slots.addEventListener("change", () => {
  const account = login && slots.awaited();
  if (account) openSession(account);
});

await loadLanguage();
const account = slots.resume();
if (account) openSession(account);
else showLogin();
