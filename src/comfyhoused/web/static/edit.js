// One edit: J and K lead to the newer and the older one, Z looks closer.
import "./zoom.js";

const gallery = sessionStorage.getItem("gallery");
if (gallery?.startsWith("/creator/gallery")) document.querySelector("[data-back]").href = gallery;

const WAYS = { j: "[data-newer]", k: "[data-older]" };

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=range]), textarea, select");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  document.querySelector(WAYS[event.key.toLowerCase()] ?? "[data-none]")?.click();
});
