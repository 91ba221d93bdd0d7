// A job's own page: previews while it runs, then the page as it is at the end.
import { followJob } from "./follow.js";

const bench = document.querySelector("[data-job]");
const find = (name) => bench.querySelector(`[data-${name}]`);

function show(type, data) {
  if (type === "job.running") find("state").textContent = "Making";
  if (type === "job.progress") {
    const bar = find("bar");
    bar.hidden = false;
    bar.max = data.max;
    bar.value = data.value;
    find("state").textContent = `Making, step ${data.value} of ${data.max}`;
  }
  if (type === "job.preview") {
    find("preview").src = data.image;
    find("preview").hidden = false;
    find("waiting").hidden = true;
  }
}

await followJob(bench.dataset.job, show);
location.reload();
