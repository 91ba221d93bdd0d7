// The gallery: how many are chosen, and the bar only while some are.
import { all } from "./ui.js";

const form = document.querySelector("[data-bulk]");
if (form) {
  const bar = form.querySelector("[data-bulk-bar]");
  const clear = form.querySelector("[data-clear]");
  clear.hidden = false;
  const show = () => {
    const number = all("input[name=edit]:checked", form).length;
    bar.hidden = number === 0;
    form.querySelector("[data-count]").textContent = `${number} chosen`;
  };
  form.addEventListener("change", show);
  form.addEventListener("reset", () => setTimeout(show));
  show();
}

// A picture that was under way when the page came is shown when it is there.
document.addEventListener("edit-changed", (event) => {
  const figure = document.querySelector(`figure[data-edit="${CSS.escape(event.detail.edit_id)}"]`);
  if (figure && !document.querySelector("input[name=edit]:checked")) location.reload();
});
