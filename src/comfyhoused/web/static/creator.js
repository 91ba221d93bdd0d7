// Every screen of Creator: what happens is shown where it stands, and the bell rings.
import { all, enhanceComparisons, enhanceTimes } from "./ui.js";

const SETTLE_MS = 250;
const LONGEST_PAUSE_MS = 15000;

export function makeNodes(html) {
  return [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
}

/** Get a part of the page as an element that holds it; throws when it cannot be had. */
async function fetchParts(address) {
  const answer = await fetch(address, { headers: { Accept: "text/vnd.part+html" } });
  if (answer.status === 401 || answer.redirected) {
    location.reload(); // signed out meanwhile: the page leads to the sign-in, and back
    throw new Error("signed out");
  }
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  const holder = document.createElement("div");
  holder.append(...makeNodes(await answer.text()));
  return holder;
}

/** What each part came as: script writes into it since (times, the slider, bars). */
const came = new WeakMap();

/** Put each fresh part in its place, unless nothing has changed or somebody is in it. */
function replaceParts(place, fresh) {
  for (const part of all("[data-part]", fresh)) {
    const old = place.querySelector(`[data-part="${part.dataset.part}"]`);
    if (!old) continue;
    const html = part.outerHTML;
    if (came.get(old) === html || old.contains(document.activeElement)) continue;
    came.set(part, html);
    old.replaceWith(part);
    enhanceComparisons(part);
    enhanceTimes(part);
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
    }
  }
}

let settling = 0;

/** Many things may happen at once: look once when it is quiet. */
function refreshSoon() {
  clearTimeout(settling);
  settling = setTimeout(refresh, SETTLE_MS);
}

function showProgress({ edit_id: editId, share }) {
  for (const place of all(`[data-edit="${CSS.escape(editId)}"]`)) {
    const bar = place.querySelector("[data-bar]");
    if (!bar) continue;
    bar.hidden = false;
    bar.value = Math.round(share * 100);
    const far = place.querySelector("[data-far]");
    if (far) far.textContent = `Editing, ${bar.value} %`;
  }
}

async function ring() {
  const answer = await fetch("/creator/notifications/count", { headers: { Accept: "application/json" } });
  if (!answer.ok) return;
  const { unread } = await answer.json();
  for (const one of all("[data-unread]")) one.textContent = unread > 99 ? "99+" : unread || "";
  for (const one of all("[data-unread-words]")) one.textContent = unread ? " unread" : "";
}

/** Follow the news through lost connections; the browser resumes short breaks by itself. */
function follow() {
  let pause = 1000;
  let isFirst = true;
  const open = () => {
    const source = new EventSource("/creator/news");
    source.addEventListener("look", () => {
      pause = 1000;
      if (!isFirst) {
        refreshSoon();
        ring();
      }
      isFirst = false;
      document.documentElement.dataset.news = "on";
    });
    for (const type of ["edit.changed", "delivery.changed"]) {
      source.addEventListener(type, (event) => {
        refreshSoon();
        document.dispatchEvent(new CustomEvent("edit-changed", { detail: JSON.parse(event.data) }));
      });
    }
    source.addEventListener("edit.progress", (event) => showProgress(JSON.parse(event.data)));
    source.addEventListener("bell", ring);
    source.addEventListener("error", () => {
      delete document.documentElement.dataset.news;
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(open, pause);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    });
    addEventListener("pagehide", () => source.close(), { once: true });
  };
  open();
}

/** A slider's number stands beside it. */
export function enhanceSliders(root = document) {
  for (const shown of all("output[data-shows]", root)) {
    const range = document.getElementById(shown.dataset.shows);
    const show = () => { shown.textContent = range.value; };
    range.addEventListener("input", show);
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
}

forgetSaid();
enhanceSliders();
enhancePresetChoice();
enhanceDialogs();
if (document.querySelector("[data-bell]")) follow();
