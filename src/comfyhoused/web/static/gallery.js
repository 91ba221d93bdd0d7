// The gallery: how many are chosen, the bar only while some are, and pictures as they come.
import { fetchParts } from "./creator.js";
import { all } from "./ui.js";

const place = document.querySelector("[data-gallery]");
const form = place.querySelector("[data-bulk]");
const edits = place.querySelector("[data-edits]");

function showChosen() {
  const number = all("input[name=edit]:checked", form).length;
  form.querySelector("[data-bulk-bar]").hidden = number === 0;
  form.querySelector("[data-count]").textContent = `${number} chosen`;
}

/** What each figure came as: a choice, or a picture that has been fetched, stays where nothing changed. */
const came = new WeakMap();

function note(root) {
  for (const figure of all("figure[data-edit]", root)) came.set(figure, figure.outerHTML);
}

function replaceEdits(fresh) {
  const stand = new Map(all("figure[data-edit]", edits).map((figure) => [figure.dataset.edit, figure]));
  for (const figure of all("figure[data-edit]", fresh)) {
    const known = stand.get(figure.dataset.edit);
    if (!known) continue;
    if (came.get(known) === figure.outerHTML) figure.replaceWith(known);
    else figure.querySelector("input").checked = known.querySelector("input").checked;
  }
  edits.replaceChildren(...fresh.childNodes);
}

/** Read again what is shown; who is at a picture by keyboard stays there. */
async function lookAgain() {
  const fresh = await fetchParts(place.dataset.gallery).catch(() => null);
  if (!fresh || came.get(edits) === fresh.innerHTML) return;
  came.set(edits, fresh.innerHTML);
  note(fresh);
  const held = document.activeElement?.closest("figure[data-edit]");
  const isBox = document.activeElement?.matches("input");
  replaceEdits(fresh);
  const again = held && edits.querySelector(`[data-edit="${CSS.escape(held.dataset.edit)}"]`);
  again?.querySelector(isBox ? "input" : "a").focus({ preventScroll: true });
  showChosen();
}

sessionStorage.setItem("gallery", location.pathname + location.search); // a picture leads back here
note(edits);
form.querySelector("[data-clear]").hidden = false;
const chooseAll = form.querySelector("[data-all]");
chooseAll.hidden = false;
chooseAll.addEventListener("click", () => {
  for (const box of all("input[name=edit]", form)) box.checked = true;
  showChosen();
});
form.addEventListener("change", showChosen);
form.addEventListener("reset", () => setTimeout(showChosen));
addEventListener("pageshow", showChosen);
showChosen();
document.addEventListener("look-again", lookAgain);
