// Small enhancements of every page. What needs script is hidden in the page and shown here.

export const all = (selector, root = document) => [...root.querySelectorAll(selector)];

/** Say something in passing, for four seconds. */
export function say(words) {
  const shelf = document.querySelector(".toasts");
  const toast = document.createElement("div");
  toast.className = "toast";
  toast.textContent = words;
  shelf.replaceChildren(toast);
  setTimeout(() => toast.remove(), 4000);
}

/** Bring the comparison sliders below `root` to life. A strict policy allows CSSOM writes. */
export function enhanceComparisons(root = document) {
  for (const range of all(".ba input[type=range]", root)) {
    const figure = range.closest(".ba");
    const show = () => {
      figure.style.setProperty("--x", `${range.value}%`);
      range.setAttribute("aria-valuetext", `${range.value} percent original`);
    };
    range.addEventListener("input", show);
    show();
    const picture = figure.querySelector("img");
    figure.style.setProperty("--ratio", picture.getAttribute("width") / picture.getAttribute("height"));
    enhanceDragging(range);
  }
}

function enhanceDragging(range) {
  const stage = range.closest(".ba__stage");
  const moveTo = (event) => {
    const box = stage.getBoundingClientRect();
    range.value = ((event.clientX - box.left) / box.width) * 100;
    range.dispatchEvent(new Event("input"));
  };
  stage.addEventListener("pointerdown", (event) => {
    if (event.target === range || stage.closest(".is-near")) return; // near, the picture is moved
    event.preventDefault();
    stage.setPointerCapture(event.pointerId);
    moveTo(event);
  });
  stage.addEventListener("pointermove", (event) => {
    if (stage.hasPointerCapture(event.pointerId) && !stage.closest(".is-near")) moveTo(event);
  });
}

function enhanceTheme() {
  const root = document.documentElement;
  for (const button of all("[data-theme-toggle]")) {
    button.hidden = false;
    button.addEventListener("click", () => {
      const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      root.dataset.theme = (root.dataset.theme ?? system) === "dark" ? "light" : "dark";
      localStorage.setItem("theme", root.dataset.theme);
    });
  }
}

export function enhanceCopying(root = document) {
  for (const button of all("[data-copy]", root)) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      try {
        await navigator.clipboard.writeText(text);
        say("Copied");
      } catch {
        say("Select the text and copy it by hand");
      }
    });
  }
}

function enhanceMenus() {
  for (const menu of all("details.menu")) {
    menu.addEventListener("click", (event) => {
      if (event.target.closest("nav a")) menu.open = false;
    });
    menu.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !menu.open) return;
      menu.open = false;
      menu.querySelector("summary").focus();
    });
  }
}

/** Write instants in the reader's own time; the page comes with UTC. */
export function enhanceTimes(root = document) {
  const forms = {
    minute: { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" },
    second: { hour: "2-digit", minute: "2-digit", second: "2-digit" },
    day: { day: "numeric", month: "long", year: "numeric" },
  };
  for (const time of all("time[data-time]", root)) {
    const format = new Intl.DateTimeFormat("en-GB", forms[time.dataset.time]);
    time.textContent = format.format(new Date(time.dateTime));
    time.title = time.dateTime;
  }
}

/** One panel at a time; without script they stand below each other. */
export function enhanceTabs(root = document) {
  for (const list of all("[data-tabs]", root)) {
    const tabs = all("[role=tab]", list);
    const choose = (chosen) => {
      for (const tab of tabs) {
        const isOn = tab === chosen;
        tab.setAttribute("aria-selected", isOn);
        tab.tabIndex = isOn ? 0 : -1;
        document.getElementById(tab.getAttribute("aria-controls")).hidden = !isOn;
      }
    };
    tabs.forEach((tab, i) => {
      tab.addEventListener("click", () => choose(tab));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(i + step + tabs.length) % tabs.length];
        choose(next);
        next.focus();
      });
    });
    list.hidden = false;
    choose(tabs.find((tab) => tab.getAttribute("aria-selected") === "true") ?? tabs[0]);
  }
}

/** A box that asks before something cannot be undone closes on Escape. */
function enhanceConfirming() {
  for (const box of all("details.confirm")) {
    box.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || !box.open) return;
      box.open = false;
      box.querySelector("summary").focus();
    });
  }
}

enhanceMenus();
enhanceTheme();
enhanceTimes();
enhanceTabs();
enhanceConfirming();
enhanceComparisons();
enhanceCopying();
