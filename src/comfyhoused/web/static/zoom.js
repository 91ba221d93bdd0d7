// A closer look at a comparison: one dot of the picture for one of the screen, moved by hand.
import { all } from "./ui.js";

const LEAST = 2;
const MOST = 8;
const STEP = 0.1;
const WAYS = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };

/** How near a figure is looked at, and how far it is moved, in pixels of the page. */
const views = new WeakMap();

function findFigure(place) {
  return place.querySelector(".ba");
}

/** The figure's picture in its own size; a small one is made larger all the same. */
function findNearness(figure) {
  const stage = figure.querySelector(".ba__stage");
  const picture = figure.querySelector("img");
  return Math.min(MOST, Math.max(LEAST, picture.naturalWidth / (stage.clientWidth * devicePixelRatio)));
}

function move(figure, x, y) {
  const view = views.get(figure);
  const { clientWidth: width, clientHeight: height } = figure.querySelector(".ba__stage");
  view.x = Math.min(0, Math.max(width * (1 - view.nearness), x));
  view.y = Math.min(0, Math.max(height * (1 - view.nearness), y));
  figure.style.setProperty("--near", view.nearness);
  figure.style.setProperty("--pan-x", `${view.x}px`);
  figure.style.setProperty("--pan-y", `${view.y}px`);
}

/** Go near, so that this point of the stage (0 to 1) stays where it is; or back to the whole. */
function toggle(place, point = [0.5, 0.5]) {
  const figure = findFigure(place);
  if (!figure) return;
  const isNear = figure.classList.toggle("is-near");
  if (isNear) {
    const nearness = findNearness(figure);
    const { clientWidth: width, clientHeight: height } = figure.querySelector(".ba__stage");
    views.set(figure, { nearness, x: 0, y: 0 });
    move(figure, width * point[0] * (1 - nearness), height * point[1] * (1 - nearness));
  }
  const button = place.querySelector("[data-zoom]");
  button.setAttribute("aria-pressed", isNear);
}

function enhanceMoving(place) {
  let from = null;
  place.addEventListener("pointerdown", (event) => {
    const figure = event.target.closest(".ba.is-near");
    if (!figure || event.target.matches("input")) return;
    event.preventDefault();
    const { x, y } = views.get(figure);
    from = { figure, x: x - event.clientX, y: y - event.clientY };
    event.target.setPointerCapture(event.pointerId);
  });
  place.addEventListener("pointermove", (event) => {
    if (from) move(from.figure, from.x + event.clientX, from.y + event.clientY);
  });
  for (const type of ["pointerup", "pointercancel"]) place.addEventListener(type, () => { from = null; });
  place.addEventListener("dblclick", (event) => {
    const stage = event.target.closest(".ba__stage");
    if (!stage || event.target.matches("input")) return;
    const box = stage.getBoundingClientRect();
    toggle(place, [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height]);
  });
}

/** Z goes near and back; with Shift the arrows move the picture, without it the line. */
function hearKey(event) {
  const isTyping = event.target.closest("input:not([type=range]), textarea, select");
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  const place = all("[data-zooms]").find((one) => !one.hidden);
  if (!place) return;
  if (event.key.toLowerCase() === "z" && !event.repeat) toggle(place);
  const figure = findFigure(place);
  const way = event.shiftKey && WAYS[event.key];
  if (!way || !figure?.classList.contains("is-near")) return;
  event.preventDefault();
  const { x, y } = views.get(figure);
  const { clientWidth: width, clientHeight: height } = figure.querySelector(".ba__stage");
  move(figure, x + way[0] * width * STEP, y + way[1] * height * STEP);
}

for (const place of all("[data-zooms]")) {
  const button = place.querySelector("[data-zoom]");
  button.hidden = false;
  button.addEventListener("click", () => toggle(place));
  enhanceMoving(place);
}
document.addEventListener("keydown", hearKey, { capture: true });
