// Review: one picture after the other, by swipe, by key or by button. Undo takes the last one back.
import { all, say } from "./ui.js";
import "./zoom.js";

const FAR_ENOUGH_PX = 90;
const place = document.querySelector("[data-review]");
const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
const OPPOSITE = { approve: "reject", reject: "approve" };

class Review {
  constructor() {
    this.cards = all("[data-card]", place);
    this.total = Number(place.dataset.total);
    this.done = 0;
    this.at = 0;
    this.past = [];
    this.verdict = place.querySelector("[data-verdict]");
    for (const hint of all("[data-keys]", place)) hint.hidden = false;
    for (const card of this.cards) this.enhance(card);
    document.addEventListener("keydown", (event) => this.hearKey(event));
  }

  get card() {
    return this.cards[this.at];
  }

  enhance(card) {
    for (const form of all("form[data-verb]", card)) {
      form.addEventListener("submit", (event) => {
        event.preventDefault();
        this.decide(form.dataset.verb);
      });
    }
    this.enhanceSwiping(card);
  }

  enhanceSwiping(card) {
    let from = null;
    card.addEventListener("pointerdown", (event) => {
      if (event.target.closest(".ba__stage, a, button, input")) return;
      from = { x: event.clientX, id: event.pointerId };
      card.setPointerCapture(event.pointerId);
      card.classList.add("is-held");
    });
    card.addEventListener("pointermove", (event) => {
      if (!from) return;
      const by = event.clientX - from.x;
      card.style.translate = `${by}px`;
      card.style.rotate = isCalm ? "0deg" : `${by / 60}deg`;
      this.showVerdict(by > FAR_ENOUGH_PX ? "approve" : by < -FAR_ENOUGH_PX ? "reject" : "");
    });
    for (const type of ["pointerup", "pointercancel"]) {
      card.addEventListener(type, (event) => {
        if (!from) return;
        const by = type === "pointerup" ? event.clientX - from.x : 0;
        from = null;
        card.classList.remove("is-held");
        this.showVerdict("");
        if (Math.abs(by) > FAR_ENOUGH_PX) this.decide(by > 0 ? "approve" : "reject");
        else this.putBack(card);
      });
    }
  }

  putBack(card) {
    card.style.translate = "";
    card.style.rotate = "";
  }

  showVerdict(verb) {
    this.verdict.toggleAttribute("data-on", verb !== "");
    this.verdict.firstElementChild.textContent = { approve: "Approve", reject: "Reject" }[verb] ?? "";
  }

  hearKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || event.repeat) return;
    const key = event.key.toLowerCase();
    if (key === "a") this.decide("approve");
    else if (key === "r") this.decide("reject");
    else if (key === "u") this.undo();
    else if (event.key === "ArrowLeft" || event.key === "ArrowRight") this.slide(event);
  }

  slide(event) {
    const range = this.card?.querySelector("input[type=range]");
    if (!range || document.activeElement === range) return;
    range.focus();
    range.value = Number(range.value) + (event.key === "ArrowLeft" ? -5 : 5);
    range.dispatchEvent(new Event("input"));
    event.preventDefault();
  }

  async decide(verb) {
    const card = this.card;
    if (!card) return;
    this.at += 1;
    this.past.push({ card, verb });
    this.done += 1;
    this.show();
    if (!(await this.send(card, verb))) this.takeBack(card);
  }

  async undo() {
    const last = this.past.at(-1);
    if (!last) return;
    if (!(await this.send(last.card, OPPOSITE[last.verb]))) return;
    if (last.verb === "approve") say("Taken back: it stays here");
    this.takeBack(last.card);
  }

  takeBack(card) {
    this.past = this.past.filter((one) => one.card !== card);
    this.done -= 1;
    this.at = this.cards.indexOf(card);
    this.show();
  }

  /** Tell the house; returns whether it was taken. */
  async send(card, verb) {
    const form = card.querySelector(`form[data-verb=${verb}]`);
    const body = new URLSearchParams(new FormData(form));
    try {
      const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
      if (answer.type === "opaqueredirect") return true;
      const problem = await answer.json().catch(() => ({}));
      say(problem.detail ?? "That did not arrive. Try again.");
    } catch {
      say("No connection. Try again.");
    }
    return false;
  }

  show() {
    const left = this.total - this.done;
    place.querySelector("[data-left]").textContent = left ? `${left} to look at` : "All looked at";
    for (const card of this.cards) card.hidden = card !== this.card;
    const end = place.querySelector("[data-done]");
    end.hidden = this.card !== undefined;
    for (const hint of all("[data-keys]", place)) hint.hidden = !this.card;
    end.querySelector("[data-more]").hidden = left === 0;
    if (this.card) this.putBack(this.card);
    (this.card ?? end).focus({ preventScroll: true });
  }
}

if (place) new Review();
