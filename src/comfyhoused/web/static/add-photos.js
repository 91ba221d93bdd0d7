// Adding photos: many at once, in parts. A lost connection, or a closed page, costs the last part only.
import { all } from "./ui.js";

const AT_ONCE = 2;
const FIRST_PART_BYTES = 512_000;
const QUICK_MS = 1500;
const PAUSES_MS = [500, 1000, 2000, 4000, 8000];
const PICTURE = /^image\//;
const ENDING = /\.(jpe?g|png|webp|tiff?|hei[cf])$/i;

const place = document.querySelector("[data-adding]");
const find = (name) => document.querySelector(`[data-${name}]`);
const most = Number(place.dataset.most);
const headers = { "X-Form-Token": place.dataset.token, Accept: "application/json" };
const count = (number) => `${number} ${number === 1 ? "photo" : "photos"}`;

/** What the house refused for good; `detail` says why. */
class Refused extends Error {}

function showBytes(number) {
  return number < 1e6 ? `${Math.max(1, Math.round(number / 1e3))} kB` : `${(number / 1e6).toFixed(1)} MB`;
}

/** Wait for the connection to be back, or for a while. */
function rest(turn) {
  return new Promise((resolve) => {
    const over = () => {
      removeEventListener("online", over);
      clearTimeout(timer);
      resolve();
    };
    const timer = setTimeout(over, PAUSES_MS[Math.min(turn, PAUSES_MS.length - 1)]);
    addEventListener("online", over);
  });
}

/** One photo: its row, and its way into the house. */
class Photo {
  constructor(file) {
    this.file = file;
    this.state = "chosen";
    this.sent = 0;
    this.part = FIRST_PART_BYTES;
    this.row = document.createElement("li");
    this.row.innerHTML =
      '<span class="thumb thumb--none"><svg class="i" aria-hidden="true"><use href="#i-picture"/></svg></span>' +
      '<div><span data-what></span><span class="hint blk num" data-words></span><progress class="bar" max="100" value="0" data-bar hidden></progress></div>' +
      '<button class="btn btn--quiet btn--icon btn--sm" type="button" data-drop><svg class="i" aria-hidden="true"><use href="#i-x"/></svg></button>';
    this.at("what").textContent = file.name;
    this.at("bar").setAttribute("aria-label", `Sending ${file.name}`);
    this.at("drop").setAttribute("aria-label", `Remove ${file.name}`);
    this.at("drop").addEventListener("click", () => this.drop());
    this.showPicture();
    const fault = this.findFault();
    if (fault) this.fail(fault);
    else this.say(showBytes(file.size));
  }

  at(name) {
    return this.row.querySelector(`[data-${name}]`);
  }

  /** The same photo chosen again goes on with the same upload. */
  get once() {
    const { name, size, lastModified } = this.file;
    return `${find("source").value} ${lastModified} ${size} ${name}`.slice(0, 100);
  }

  findFault() {
    const { type, name, size } = this.file;
    if (type ? !PICTURE.test(type) && !ENDING.test(name) : !ENDING.test(name)) return "This is not a picture, so we left it out.";
    if (size === 0) return "This file is empty, so we left it out.";
    if (size > most) return `This is larger than ${showBytes(most)}, so we left it out.`;
    return "";
  }

  showPicture() {
    const picture = new Image(48, 48);
    picture.alt = "";
    picture.addEventListener("load", () => {
      this.row.firstElementChild.replaceWith(picture);
      URL.revokeObjectURL(picture.src);
    });
    picture.src = URL.createObjectURL(this.file);
  }

  say(words, isBad = false) {
    const line = this.at("words");
    line.className = isBad ? "error" : "hint blk num";
    line.textContent = words;
  }

  fail(words) {
    this.state = "failed";
    this.at("bar").hidden = true;
    this.say(words, true);
  }

  drop() {
    this.isDropped = true;
    if (this.id && this.state !== "sent") fetch(`/creator/uploads/${this.id}`, { method: "DELETE", headers }).catch(() => {});
    const next = this.row.nextElementSibling ?? this.row.previousElementSibling;
    photos.splice(photos.indexOf(this), 1);
    this.row.remove();
    (next?.querySelector("button") ?? find("choose")).focus();
    show();
  }

  showSent(bytes) {
    this.sent = bytes;
    const percent = Math.floor((100 * bytes) / this.file.size);
    const bar = this.at("bar");
    bar.hidden = false;
    bar.value = percent;
    this.say(`${percent} % of ${showBytes(this.file.size)}`);
  }

  /** Send it, through lost connections; what the house refuses for good stays in its row. */
  async send() {
    this.state = "sending";
    for (let turn = 0; !this.isDropped; ) {
      try {
        const before = this.sent;
        await this.begin();
        await this.sendParts(() => { turn = 0; });
        if (this.isDropped) return;
        this.state = "sent";
        this.at("bar").hidden = true;
        this.at("drop").hidden = true;
        this.say(before === this.sent && turn === 0 ? "Sent already" : "Sent");
        return;
      } catch (error) {
        if (error instanceof Refused) {
          this.fail(error.message);
          return;
        }
        this.say("No connection. It goes on by itself.");
        await rest(turn);
        turn += 1;
      }
    }
  }

  /** Begin it, or learn how far it is. */
  async begin() {
    const { name, size } = this.file;
    const body = JSON.stringify({ once: this.once, source_id: find("source").value, name, size_bytes: size });
    const answer = await ask("/creator/uploads", { method: "POST", body, headers: { ...headers, "Content-Type": "application/json" } });
    const upload = await answer.json();
    if (upload.state === "failed") throw new Refused(upload.error?.detail ?? "It could not be put into your folder.");
    this.id = upload.id;
    this.least = upload.least_part_bytes;
    this.largest = upload.most_part_bytes;
    this.showSent(upload.received);
  }

  async sendParts(onPart) {
    while (this.sent < this.file.size && !this.isDropped) {
      const part = this.file.slice(this.sent, this.findEnd());
      const start = performance.now();
      const answer = await ask(`/creator/uploads/${this.id}`, {
        method: "PATCH",
        body: part,
        headers: { ...headers, "Upload-Offset": String(this.sent), "Content-Type": "application/octet-stream" },
      });
      this.showSent(Number(answer.headers.get("Upload-Offset")));
      if (performance.now() - start < QUICK_MS) this.part = Math.min(this.part * 2, this.largest);
      else this.part = Math.max(Math.round(this.part / 2), this.least);
      onPart();
    }
  }

  /** Where the next part ends; what would be left must not be too small for a part. */
  findEnd() {
    const end = this.sent + Math.max(this.part, this.least);
    return this.file.size - end < this.least && this.file.size - this.sent <= this.largest ? this.file.size : Math.min(end, this.file.size);
  }
}

/** Ask the house; throws Refused for what will not change, and any other error for what may. */
async function ask(address, options) {
  const answer = await fetch(address, options);
  if (answer.ok || answer.status === 409) return answer;
  if (answer.status === 401 || answer.status === 403) throw new Refused("You are signed out. Load the page again, then choose the photos once more.");
  const isPassing = answer.status >= 500 || answer.status === 429 || answer.status === 404;
  if (isPassing) throw new Error(`${address}: ${answer.status}`);
  const problem = await answer.json().catch(() => ({}));
  throw new Refused(problem.detail ?? `That was refused (${answer.status}).`);
}

const photos = [];
let sending = 0;

function listOf(state) {
  return photos.filter((photo) => photo.state === state);
}

function show() {
  const [chosen, sent] = [listOf("chosen").length, listOf("sent").length];
  const open = chosen + listOf("sending").length;
  const good = photos.length - listOf("failed").length;
  find("title").textContent = good ? `${count(good)} chosen` : "Nothing chosen yet";
  for (const button of all("[data-send]")) {
    button.hidden = chosen === 0 || sending > 0;
    button.textContent = `Send ${count(chosen)}`;
  }
  find("send-bar").hidden = chosen === 0 || sending > 0;
  find("all-sent").hidden = sent === 0 || open > 0;
  find("sent-words").textContent = `${count(sent)} sent.`;
  find("source").disabled = sending > 0;
}

function add(files) {
  for (const file of files) {
    const isThere = photos.some((one) => one.file.name === file.name && one.file.size === file.size && one.file.lastModified === file.lastModified);
    if (isThere) continue;
    const photo = new Photo(file);
    photos.push(photo);
    find("files").append(photo.row);
  }
  find("half").hidden = true;
  show();
}

/** Send what is chosen, two at a time. */
async function sendAll() {
  if (sending) return;
  const work = async () => {
    for (let photo; (photo = listOf("chosen")[0]); ) {
      await photo.send();
      show();
    }
  };
  const workers = Array.from({ length: AT_ONCE }, () => work());
  sending = workers.length;
  show();
  await Promise.all(workers);
  sending = 0;
  show();
}

/** Say what was left half sent when the page was closed. */
async function showHalfSent() {
  const answer = await fetch("/creator/uploads", { headers: { Accept: "application/json" } });
  if (!answer.ok || photos.length) return;
  const half = (await answer.json()).filter((one) => one.state === "receiving");
  find("half").hidden = half.length === 0;
  find("half-words").textContent = `Half sent: ${half.map((one) => one.name).join(", ")}`;
}

for (const input of all("[data-choose]")) {
  input.addEventListener("change", () => {
    add(input.files);
    input.value = "";
  });
}
const drop = document.querySelector(".drop");
for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  drop.addEventListener(type, () => drop.classList.toggle("over", type === "dragenter" || type === "dragover"));
}
for (const button of all("[data-send]")) button.addEventListener("click", sendAll);
addEventListener("beforeunload", (event) => {
  if (sending) event.preventDefault();
});
showHalfSent().catch(() => {});
show();
