// The step wedge: received, waited, made, delivered.

const STEPS = ["Received", "Waited", "Made", "Delivered"];
const STEPS_NOW = ["Receiving", "Waiting", "Making", "Delivering"];

/** Mark `done` steps as done and the next one as current, or as bad with these words. */
export function markSteps(wedge, done, badWords = "") {
  [...wedge.children].forEach((step, i) => {
    const isNext = i === done;
    step.className = i < done ? "done" : isNext && badWords ? "bad" : "";
    step.textContent = !isNext ? STEPS[i] : badWords || STEPS_NOW[i];
    if (isNext && !badWords) step.setAttribute("aria-current", "step");
    else step.removeAttribute("aria-current");
  });
}
