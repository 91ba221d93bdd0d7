// The front page: its forms send work without leaving, and show it being done.
import { all } from "./ui.js";
import { fetchPart, Runner, send, showProblem } from "./runner.js";

const HOUSE_EVERY_MS = 3000;

/** A photo of the visitor's own goes through the runner of the sample photo. */
function enhanceOwnPhoto(form, runner) {
  const input = form.querySelector("input[type=file]");
  const drop = form.querySelector(".drop");
  for (const type of ["dragenter", "dragleave", "drop"]) {
    drop.addEventListener(type, () => drop.classList.toggle("over", type === "dragenter"));
  }
  input.addEventListener("change", async () => {
    if (!input.files.length) return;
    const address = new URL(form.action);
    const choice = new FormData(runner.form);
    for (const name of ["recipe", "place"]) address.searchParams.set(name, choice.get(name));
    const body = new FormData();
    body.append("file", input.files[0]);
    await runner.run(address, body);
    input.value = "";
  });
}

function enhanceConnecting(form) {
  const button = form.querySelector("[data-submit]");
  const finding = form.querySelector("[data-finding]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    finding.replaceChildren();
    try {
      finding.replaceChildren(...(await send(form.action, new URLSearchParams(new FormData(form)), "text/vnd.part+html")));
      refreshPart("[data-house]", "/page/house");
      for (const place of all("[data-places]")) place.replaceChildren(...(await fetchPart("/page/places")));
    } catch (problem) {
      showProblem(finding, problem);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

/** Put a fresh part in its place, unless nothing has changed or somebody is in it. */
async function refreshPart(selector, address) {
  const place = document.querySelector(selector);
  if (!place || "still" in place.dataset || place.contains(document.activeElement)) return;
  try {
    const nodes = await fetchPart(address);
    const fresh = document.createElement("div");
    fresh.append(...nodes);
    if (fresh.innerHTML !== place.innerHTML) place.replaceChildren(...fresh.childNodes);
    place.removeAttribute("aria-busy");
  } catch {
    place.setAttribute("aria-busy", "true");
  }
}

const runners = Object.fromEntries(
  all("form[data-runner]").map((form) => [form.dataset.runner, new Runner(form)]),
);
for (const form of all("form[data-own]")) enhanceOwnPhoto(form, runners.edit);
for (const form of all("form[data-connect]")) enhanceConnecting(form);
document.addEventListener("job-over", () => refreshPart("[data-recent]", "/page/recent"));
setInterval(() => {
  if (document.visibilityState === "visible") refreshPart("[data-house]", "/page/house");
}, HOUSE_EVERY_MS);
