// A job's own page: steps and previews while it runs, then the page as it is at the end.
import { followJob } from "./follow.js";
import { fitPreview } from "./preview.js";
import { markSteps } from "./wedge.js";

const bench = document.querySelector("[data-job]");
const find = (name) => bench.querySelector(`[data-${name}]`);

function showMaking(words) {
  const state = document.querySelector(".head .state");
  if (state.dataset.s !== "running") {
    state.dataset.s = "running";
    state.lastChild.textContent = "Making";
    state.querySelector("use").setAttribute("href", "#s-running");
    markSteps(document.querySelector(".wedge"), 2);
  }
  find("state").textContent = words;
}

function show(type, data) {
  if (type === "job.running") showMaking("Making");
  if (type === "job.progress") {
    const bar = find("bar");
    bar.hidden = false;
    bar.max = data.max;
    bar.value = data.value;
    showMaking(`Making, step ${data.value} of ${data.max}`);
  }
  if (type === "job.preview") {
    find("preview").src = data.image;
    find("preview").hidden = false;
    find("waiting").hidden = true;
  }
}

find("preview").addEventListener("load", (event) => fitPreview(event.target));
followJob(bench.dataset.job, show, bench.dataset.base).finally(() => location.reload());
