// The playground: cost and code follow the form; pictures are sent in where they are chosen.
import { all, enhanceCopying, enhanceTabs, say } from "./ui.js";
import { collectFields, makeNodes, Runner, showProblem } from "./runner.js";

const PAUSE_MS = 400;

const form = document.querySelector("form[data-runner]");
const ahead = document.querySelector("[data-ahead]");
let timer;
let asked = 0;

/** Ask what the form would cost and how code would say it. */
async function lookAhead() {
  const turn = ++asked;
  const body = collectFields(form);
  body.set("action", "part");
  const chosen = ahead.querySelector("[role=tab][aria-selected=true]")?.id;
  ahead.setAttribute("aria-busy", "true");
  try {
    const answer = await fetch(form.getAttribute("action"), { method: "POST", body, headers: { Accept: "text/vnd.part+html" } });
    if (turn !== asked || !answer.ok) return;
    ahead.replaceChildren(...makeNodes(await answer.text()));
    for (const tab of all("[role=tab]", ahead)) tab.setAttribute("aria-selected", tab.id === chosen);
    enhanceTabs(ahead);
    enhanceCopying(ahead);
  } catch {
    // The house does not answer now; the next change of the form asks again.
  } finally {
    if (turn === asked) ahead.removeAttribute("aria-busy");
  }
}

function lookSoon() {
  clearTimeout(timer);
  timer = setTimeout(lookAhead, PAUSE_MS);
}

/** A field for a picture: its id or address, one of the account's own, or a new one. */
function enhancePicking(pick) {
  const input = pick.querySelector("input[name]");
  const drop = pick.querySelector("[data-drop]");
  const file = drop.querySelector("input[type=file]");
  const own = pick.querySelector("[data-own-files]");
  const choose = (id) => {
    input.value = id;
    for (const button of all("[data-file]", pick)) button.setAttribute("aria-pressed", button.dataset.file === id);
    lookSoon();
  };
  drop.hidden = false;
  if (own) own.hidden = false;
  for (const type of ["dragenter", "dragleave", "drop"]) {
    drop.addEventListener(type, () => drop.classList.toggle("over", type === "dragenter"));
  }
  for (const button of all("[data-file]", pick)) button.addEventListener("click", () => choose(button.dataset.file));
  file.addEventListener("change", async () => {
    if (!file.files.length) return;
    const body = new FormData();
    body.append("file", file.files[0]);
    drop.setAttribute("aria-busy", "true");
    try {
      const answer = await fetch(file.dataset.upload, { method: "POST", body, headers: { Accept: "application/json" } });
      const told = await answer.json();
      if (!answer.ok) throw told;
      choose(told.file_id);
      say("The picture is here");
    } catch (problem) {
      showProblem(form.querySelector("[data-problem]"), { title: "The picture was not taken", detail: problem.detail });
    } finally {
      drop.removeAttribute("aria-busy");
      file.value = "";
    }
  });
}

new Runner(form);
for (const pick of all("[data-pick]")) enhancePicking(pick);
form.addEventListener("input", lookSoon);
// Somebody may have typed before this ran, or come back to what the browser kept.
if (all("input:not([type=hidden]), textarea", form).some((one) => one.value !== one.defaultValue)) lookSoon();
