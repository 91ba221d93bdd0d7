// One edit: J and K lead to the newer and the older one.

const WAYS = { j: "[data-newer]", k: "[data-older]" };

document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input:not([type=range]), textarea, select");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  document.querySelector(WAYS[event.key.toLowerCase()] ?? "[data-none]")?.click();
});
