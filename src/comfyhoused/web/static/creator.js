// Every screen of Creator: what happens is shown where it stands, and the bell rings.
import { News } from "./news.js";
import { all, enhanceComparisons, enhanceTimes, say } from "./ui.js";

const SETTLE_MS = 250;
const LEAST_MS = 1000;
const AGAIN_MS = 10000;
const HELD_MS = 4000;

export function makeNodes(html) {
  return [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
}

/** Get a part of the page as an element that holds it; throws when it cannot be had. */
export async function fetchParts(address) {
  const answer = await fetch(address, { headers: { Accept: "text/vnd.part+html" } });
  if (answer.status === 401 || answer.redirected) {
    showTrouble("signed-out"); // what is being written on this page is not thrown away
    throw new Error("signed out");
  }
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const holder = document.createElement("div");
  holder.append(...makeNodes(await answer.text()));
  return holder;
}

/** A part as it was sent: script has written into it since (times, the slider, how far an edit is). */
function readPlain(part) {
  const copy = part.cloneNode(true);
  for (const time of all("time", copy)) time.replaceWith(time.dateTime);
  for (const one of all(".ba", copy)) one.replaceWith(...one.querySelectorAll("img"));
  for (const one of all("[data-bar], [data-far]", copy)) one.remove();
  return copy.outerHTML;
}

/** Put each fresh part in its place, unless nothing has changed or somebody is in it. */
function replaceParts(place, fresh) {
  for (const part of all("[data-part]", fresh)) {
    const old = place.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!old) continue;
    if (readPlain(old) === readPlain(part)) continue;
    if (old.contains(document.activeElement)) {
      old.addEventListener("focusout", refreshSoon, { once: true });
      continue;
    }
    old.replaceWith(part);
    enhanceComparisons(part);
    enhanceTimes(part);
    for (const editId of shares.keys()) showProgress(editId);
  }
}

async function refresh() {
  const places = all("[data-live]");
  for (const address of new Set(places.map((place) => place.dataset.live))) {
    try {
      const fresh = await fetchParts(address);
      for (const place of places.filter((one) => one.dataset.live === address)) {
        replaceParts(place, fresh.cloneNode(true));
        place.removeAttribute("aria-busy");
      }
    } catch {
      for (const place of places) place.setAttribute("aria-busy", "true");
      setTimeout(refreshSoon, AGAIN_MS);
    }
  }
}

let settling = 0;
let lookedAt = 0;

/** Many things may happen at once: look once for them all, and once a second at most. */
function refreshSoon() {
  if (settling) return;
  const wait = Math.max(SETTLE_MS, lookedAt + LEAST_MS - Date.now());
  settling = setTimeout(() => {
    settling = 0;
    lookedAt = Date.now();
    refresh();
    document.dispatchEvent(new CustomEvent("look-again"));
  }, wait);
}

/** How far each edit is that is being made: a part that is put in anew has not heard of it. */
const shares = new Map();

function showProgress(editId) {
  for (const place of all(`[data-edit="${CSS.escape(editId)}"]`)) {
    const bar = place.querySelector("[data-bar]");
    if (!bar) continue;
    bar.hidden = false;
    bar.value = Math.round(shares.get(editId) * 100);
    const far = place.querySelector("[data-far]");
    if (far) far.textContent = `Editing, ${bar.value} %`;
  }
}

async function ring() {
  const answer = await fetch("/creator/notifications/count", { headers: { Accept: "application/json" } }).catch(() => null);
  if (!answer?.ok) return;
  const { unread } = await answer.json();
  for (const one of all("[data-unread]")) one.textContent = unread > 99 ? "99+" : unread || "";
  for (const one of all("[data-unread-words]")) one.textContent = unread ? " unread" : "";
}

function hear(kind, data) {
  if (kind === "edit.progress") {
    shares.set(data.edit_id, data.share);
    showProgress(data.edit_id);
  }
  if (kind === "edit.changed" && data.state !== "running") shares.delete(data.edit_id);
  if (kind === "bell" || kind === "look") ring();
  if (kind.endsWith(".changed") || kind === "look") refreshSoon();
}

/** What keeps the page from going on stands below it until it is over: `offline`, `signed-out`, or ''. */
function showTrouble(kind) {
  for (const one of all("[data-trouble]")) one.hidden = one.dataset.trouble !== kind;
}

/** A slider's number stands beside it. */
export function enhanceSliders(root = document) {
  for (const shown of all("output[data-shows]", root)) {
    const range = document.getElementById(shown.dataset.shows);
    const show = () => { shown.textContent = range.value; };
    range.addEventListener("input", show);
    addEventListener("pageshow", show); // on the way back the browser fills in what was chosen
    show();
  }
}

/** Of the parameters of all presets only the chosen one's are shown; without script all stand there. */
export function enhancePresetChoice(root = document) {
  for (const form of all("form", root)) {
    const choices = all("input[name=preset], select[name=preset]", form);
    const groups = all("[data-parameters]", form);
    if (!choices.length) continue;
    const show = () => {
      const chosen = new FormData(form).get("preset");
      for (const group of groups) group.hidden = group.dataset.parameters !== chosen;
      showWhen(form);
    };
    form.addEventListener("change", (event) => {
      const usual = event.target.dataset.usual ?? event.target.selectedOptions?.[0]?.dataset.usual;
      const strength = form.elements.strength;
      if (event.target.name === "preset" && usual && strength) {
        strength.value = usual;
        strength.dispatchEvent(new Event("input"));
      }
      show();
    });
    addEventListener("pageshow", show);
    show();
  }
}

/** A parameter that matters with another's value only is shown with it only. */
function showWhen(form) {
  for (const field of all("[data-when]", form)) {
    const other = document.getElementById(field.dataset.when);
    field.hidden = other !== null && other.value !== field.dataset.is;
  }
}

/** A dialog instead of the page that asks the same; without script the link leads to that page. */
function enhanceDialogs() {
  for (const opener of all("[data-dialog]")) {
    const dialog = document.getElementById(opener.dataset.dialog);
    opener.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.showModal();
    });
    for (const closer of all("[data-close]", dialog)) {
      closer.hidden = false;
      closer.addEventListener("click", (event) => {
        event.preventDefault();
        dialog.close();
      });
    }
    dialog.addEventListener("close", () => opener.focus());
  }
}

/** What was just done is told once: loading the page again does not tell it again. */
function forgetSaid() {
  const address = new URL(location.href);
  if (!address.searchParams.has("said")) return;
  address.searchParams.delete("said");
  address.searchParams.delete("n");
  history.replaceState(null, "", address);
  goBackToPlace();
}

/** Who has done something far down a page stays there, and is told there. */
function goBackToPlace() {
  const { path, y } = JSON.parse(sessionStorage.getItem("place") ?? "{}");
  sessionStorage.removeItem("place");
  const said = document.querySelector(".said");
  if (path !== location.pathname || y < said?.getBoundingClientRect().bottom) return;
  say(said.textContent.trim());
  said.remove();
  scrollTo({ top: y, behavior: "instant" });
}

/** A form goes once: a second click while the first is on its way sends nothing. */
function sendOnce() {
  const free = (form, button) => {
    form.removeAttribute("aria-busy");
    button?.removeAttribute("aria-busy");
  };
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.method !== "post") return;
    if (form.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    form.setAttribute("aria-busy", "true");
    sessionStorage.setItem("place", JSON.stringify({ path: location.pathname, y: scrollY }));
    event.submitter?.setAttribute("aria-busy", "true");
    setTimeout(free, HELD_MS, form, event.submitter); // a download leaves the page where it is
  });
  addEventListener("pageshow", () => {
    for (const form of all("form[aria-busy]")) free(form, form.querySelector("[aria-busy]"));
  });
}

forgetSaid();
sendOnce();
enhanceSliders();
enhancePresetChoice();
enhanceDialogs();
if (document.querySelector("[data-bell]")) new News(hear, showTrouble);
