// A form that makes a job without leaving the page, and the place where the job is shown.
import { all, enhanceComparisons } from "./ui.js";
import { followJob, JOB_GONE } from "./follow.js";
import { markSteps } from "./wedge.js";
import { fitPreview } from "./preview.js";

const WORDS = { "job.failed": "Failed", "job.canceled": "Canceled", "job.expired": "Waited too long" };

/** Get a part of the page as nodes; throws when it cannot be had. */
export async function fetchPart(address) {
  const answer = await fetch(address, { headers: { Accept: "text/vnd.part+html" } });
  if (answer.status === 404) throw JOB_GONE;
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
  return makeNodes(await answer.text());
}

export function makeNodes(html) {
  return [...new DOMParser().parseFromString(html, "text/html").body.childNodes];
}

/** The fields of a form, written as it says: long texts of many scripts are shortest in parts. */
export function collectFields(form) {
  const fields = new FormData(form);
  return form.enctype === "multipart/form-data" ? fields : new URLSearchParams(fields);
}

/** Send a form; returns the answer's JSON, or throws the problem document. */
export async function send(address, body, accept = "application/json") {
  let answer;
  try {
    answer = await fetch(address, { method: "POST", body, headers: { Accept: accept } });
  } catch {
    throw { title: "The house does not answer", detail: "Is it still running? Try again.", errors: [] };
  }
  if (answer.ok) return accept === "application/json" ? answer.json() : makeNodes(await answer.text());
  throw await answer.json().catch(() => ({ title: "Something broke", detail: `Status ${answer.status}`, errors: [] }));
}

/** Show a problem document as the page's notice. */
export function showProblem(place, problem) {
  const notice = document.createElement("div");
  notice.className = "notice notice--failed";
  notice.innerHTML = '<svg class="i" aria-hidden="true"><use href="#i-alert"/></svg><strong></strong><p></p>';
  notice.querySelector("strong").textContent = `${problem.title ?? "Something broke"}.`;
  notice.querySelector("p").textContent = problem.detail ?? "Load the page again.";
  place.replaceChildren(notice);
}

/** One form and the place where its job is shown. */
export class Runner {
  constructor(form) {
    this.form = form;
    this.base = form.dataset.base ?? "/page";
    this.view = document.querySelector(`[data-runner-view=${form.dataset.runner}]`);
    this.problem = form.querySelector("[data-problem]");
    this.button = form.querySelector("[data-submit]");
    this.glyph = this.button.querySelector("use").getAttribute("href");
    this.cancelButton = form.querySelector("[data-cancel]");
    this.jobId = null;
    form.addEventListener("submit", (event) => {
      if (event.submitter && !("submit" in event.submitter.dataset)) return;
      event.preventDefault();
      this.run(form.getAttribute("action"), collectFields(form));
    });
    this.cancelButton.addEventListener("click", () => this.cancel());
  }

  find(name) {
    return this.view.querySelector(`[data-${name}]`);
  }

  async run(address, body) {
    if (this.button.getAttribute("aria-busy") === "true") return;
    this.setBusy(true);
    try {
      const { job_id: jobId } = await send(address, body);
      this.jobId = jobId;
      this.cancelButton.hidden = false;
      await followJob(jobId, (type, data) => this.show(type, data), this.base);
      await this.finish();
    } catch (problem) {
      this.refuse(problem);
    } finally {
      this.setBusy(false);
    }
  }

  async cancel() {
    this.cancelButton.disabled = true;
    const body = new URLSearchParams({ token: this.form.elements.token.value });
    await fetch(`${this.base}/jobs/${this.jobId}/cancel`, { method: "POST", body });
  }

  setBusy(isBusy) {
    this.button.setAttribute("aria-busy", isBusy);
    this.button.setAttribute("aria-disabled", isBusy);
    this.button.querySelector("use").setAttribute("href", isBusy ? "#s-running" : this.glyph);
    this.find("print").setAttribute("aria-busy", isBusy);
    clearInterval(this.clock);
    if (!isBusy) {
      this.cancelButton.hidden = true;
      this.cancelButton.disabled = false;
      return;
    }
    this.problem.replaceChildren();
    for (const line of all("[data-error]", this.form)) this.setFieldError(line, "");
    this.find("progress").hidden = false;
    this.find("bar").hidden = true;
    this.find("bar").value = 0;
    this.setSteps(0, "Sending");
    const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    this.view.scrollIntoView({ block: "nearest", behavior: isCalm ? "instant" : "smooth" });
    const start = performance.now();
    const tick = () => { this.find("clock").textContent = `${((performance.now() - start) / 1000).toFixed(1)} s so far`; };
    tick();
    this.clock = setInterval(tick, 100);
  }

  setSteps(done, words, isBad = false) {
    markSteps(this.view.querySelector(".wedge"), done, isBad ? words : "");
    this.find("state").textContent = words;
    this.done = done;
  }

  show(type, data) {
    if (type === "job.queued") this.setSteps(1, "In line");
    if (type === "job.running") this.setSteps(2, "Making");
    if (type === "job.progress") {
      if (this.done < 2) this.setSteps(2, "Making");
      const bar = this.find("bar");
      bar.hidden = false;
      bar.max = data.max;
      bar.value = data.value;
      this.find("state").textContent = `Making, step ${data.value} of ${data.max}`;
    }
    if (type === "job.preview") this.showPreview(data.image);
    if (type === "job.succeeded") this.setSteps(3, "Fetching the picture");
    if (type in WORDS) this.setSteps(this.done, WORDS[type], true);
    if (type === "connection.lost") this.find("state").textContent = "Connecting again";
  }

  showPreview(address) {
    let picture = this.find("preview");
    if (!picture) {
      this.find("print").innerHTML = '<figure class="print"><div class="mat"><img data-preview alt="Preview of the picture"></div></figure>';
      picture = this.find("preview");
      picture.addEventListener("load", () => fitPreview(picture));
    }
    picture.src = address;
  }

  async finish() {
    const print = this.find("print");
    print.replaceChildren(...(await fetchPart(`${this.base}/jobs/${this.jobId}/print`)));
    enhanceComparisons(print);
    const isBad = this.view.querySelector(".wedge .bad") !== null;
    if (isBad) this.find("state").textContent = "";
    else this.find("progress").hidden = true;
    this.find("clock").textContent = "";
    this.find("bar").hidden = true;
    this.form.dispatchEvent(new CustomEvent("job-over", { bubbles: true }));
  }

  refuse(problem) {
    this.find("progress").hidden = true;
    const fields = [];
    for (const fault of problem.errors ?? []) {
      const line = this.form.querySelector(`[data-error="${CSS.escape(fault.pointer ?? "")}"]`);
      if (line) fields.push(this.setFieldError(line, fault.detail));
    }
    if (!fields.length) {
      showProblem(this.problem, problem);
      return;
    }
    fields[0].closest("details")?.setAttribute("open", "");
    fields[0].focus();
  }

  /** Write an error under a field, or take it away; returns the field. */
  setFieldError(line, words) {
    const field = this.form.querySelector(`[aria-describedby~="${line.id}"]`);
    line.hidden = !words;
    line.textContent = words;
    if (words) field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
    return field;
  }
}
