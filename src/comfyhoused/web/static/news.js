// The news of a user's edits, for a page that is looked at. They are hints: pages read their parts again.

const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 15000;
const PATIENCE_MS = 4000;
const KINDS = ["edit.changed", "delivery.changed", "photos.changed", "upload.changed", "edit.progress", "bell"];

/**
 * Follows the news through lost connections; the browser resumes short breaks by itself.
 *
 * Only while the page is seen: a browser has six connections to a house, and six pages that wait
 * for news would leave none for the seventh.
 */
export class News {
  /** `hear` is called with each kind and its data; `look`: something may have been missed. */
  constructor(hear, showTrouble) {
    this.hear = hear;
    this.showTrouble = showTrouble;
    this.pause = FIRST_PAUSE_MS;
    document.addEventListener("visibilitychange", () => this.suit());
    addEventListener("pageshow", () => this.suit());
    addEventListener("pagehide", () => this.close());
    addEventListener("online", () => this.reopen());
    addEventListener("offline", () => this.showTrouble("offline"));
    this.suit();
  }

  /** Follow while the page is seen, and not while it is not. */
  suit() {
    if (document.visibilityState === "hidden") this.close();
    else if (!this.source) this.open();
  }

  reopen() {
    this.close();
    this.pause = FIRST_PAUSE_MS;
    this.suit();
  }

  close() {
    clearTimeout(this.opening);
    clearTimeout(this.losing);
    this.losing = 0;
    this.source?.close();
    this.source = null;
    delete document.documentElement.dataset.news;
  }

  open() {
    this.source = new EventSource("/creator/news");
    this.source.addEventListener("look", () => this.begin());
    this.source.addEventListener("ended", () => this.end());
    this.source.addEventListener("rest", () => { this.isResting = true; });
    for (const kind of KINDS) {
      this.source.addEventListener(kind, (event) => this.hear(kind, JSON.parse(event.data)));
    }
    this.source.addEventListener("error", () => this.lose());
  }

  end() {
    this.close();
    this.showTrouble("signed-out");
  }

  begin() {
    this.isResting = false;
    clearTimeout(this.losing);
    this.losing = 0;
    this.pause = FIRST_PAUSE_MS;
    this.showTrouble("");
    this.hear("look", {});
    document.documentElement.dataset.news = "on";
  }

  /** A break of some seconds is not worth a word, nor is a rest that the house has asked for. */
  lose() {
    delete document.documentElement.dataset.news;
    if (!this.isResting) this.losing ||= setTimeout(() => this.showTrouble("offline"), PATIENCE_MS);
    if (this.source?.readyState !== EventSource.CLOSED) return;
    this.source = null;
    this.opening = setTimeout(() => this.tryAgain(), this.pause);
    this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
  }

  /** A stream does not say why it was refused; the bell's number does. */
  async tryAgain() {
    const answer = await fetch("/creator/notifications/count", { headers: { Accept: "application/json" } }).catch(() => null);
    if (answer?.status === 401) this.end();
    else this.suit();
  }
}
