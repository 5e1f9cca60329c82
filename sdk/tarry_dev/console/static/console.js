// The pages work without this. It keeps them live, copies values, and takes keys.
"use strict";

const root = document.documentElement;
root.classList.add("has-js");

// --- Live: a page reads itself again, and only what has changed is exchanged. ---
let late = 0; // by how many milliseconds the server's clock is ahead of this one
let failures = 0;

function main() {
  return document.getElementById("main");
}

function say(text) {
  const place = document.getElementById("live");
  if (place.textContent !== text) place.textContent = text;
}

function heed(now) {
  if (now) late = Number(now) - Date.now();
}

async function look() {
  const seen = main();
  const answer = await fetch(location.href, {
    headers: { "X-Console-Seen": seen.dataset.seen, Accept: "text/html" },
    cache: "no-store",
    redirect: "manual", // a search that now finds one run leads to it: the reader stays here
  });
  heed(answer.headers.get("X-Console-Now"));
  if (answer.status === 200) {
    Idiomorph.morph(main(), await answer.text(), {
      ignoreActiveValue: true,
      callbacks: {
        // What the reader has folded or unfolded, and typed, stays.
        beforeAttributeUpdated: (name, node) =>
          !(name === "open" && node.tagName === "DETAILS") && !(name === "class" && node.hasAttribute("data-row")),
        beforeNodeMorphed: (node) => !(node.tagName === "TEXTAREA" || (node.tagName === "INPUT" && node.type !== "hidden")),
      },
    });
    tick();
  } else if (answer.status !== 204 && answer.type !== "opaqueredirect") {
    throw new Error(String(answer.status));
  }
}

async function live() {
  const every = Number(main().dataset.every);
  if (!every) return;
  if (!document.hidden) {
    try {
      await look();
      failures = 0;
      say("");
    } catch {
      failures += 1;
      if (failures > 1) say("no connection");
    }
  }
  setTimeout(live, Math.min(every * 2 ** failures, 30000));
}

document.addEventListener("visibilitychange", () => {
  if (!document.hidden && Number(main().dataset.every)) look().catch(() => {});
});

// --- Times: as a person says them, counted on. ---
const UNITS = [["d", 86400000], ["h", 3600000], ["m", 60000], ["s", 1000]];

function span(milliseconds) {
  if (milliseconds < 1000) return `${Math.max(milliseconds, 0)} ms`;
  if (milliseconds < 10000) return `${Math.floor(milliseconds / 1000)} s`;
  const parts = [];
  for (const [unit, size] of UNITS) {
    const count = Math.floor(milliseconds / size);
    milliseconds %= size;
    if (count) parts.push(`${count} ${unit}`);
    else if (parts.length) break;
  }
  return parts.slice(0, 2).join(" ");
}

function ago(moment, now) {
  const apart = now - moment;
  if (Math.abs(apart) < 500) return "now";
  const words = span(Math.floor(Math.abs(apart) / 1000) * 1000 || Math.abs(apart));
  return apart > 0 ? `${words} ago` : `in ${words}`;
}

function tick() {
  const now = Date.now() + late;
  for (const each of document.querySelectorAll("time[data-ms]")) {
    const words = ago(Number(each.dataset.ms), now);
    if (each.textContent !== words) each.textContent = words;
  }
}

// --- Copying ---
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy], button[data-copy-text]");
  if (!button) return;
  const whole = button.dataset.copyText ?? (await (await fetch(button.dataset.copy)).text()).trimEnd();
  const label = button.dataset.label ?? button.textContent;
  button.dataset.label = label;
  try {
    await navigator.clipboard.writeText(whole);
    button.textContent = "Copied";
  } catch {
    button.textContent = "The browser forbids it";
  }
  setTimeout(() => { button.textContent = label; }, 1500);
});

// --- Keys ---
let before = "";

function rows() {
  return [...document.querySelectorAll("#main [data-row]")];
}

function move(by) {
  const all = rows();
  if (!all.length) return;
  const place = all.findIndex((each) => each.classList.contains("is-chosen"));
  if (place >= 0) all[place].classList.remove("is-chosen");
  const next = all[Math.min(Math.max(place + by, 0), all.length - 1)];
  next.classList.add("is-chosen");
  next.scrollIntoView({ block: "nearest" });
  (next.querySelector("a, summary") ?? next).focus({ preventScroll: true });
}

const PLACES = { r: "runs", w: "waits", e: "events", f: "functions", s: "send", d: "dead-letters", c: "clock", q: "sql" };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select")) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (before === "g" && PLACES[event.key]) {
    const link = [...document.querySelectorAll("nav a")].find((each) => each.pathname.endsWith(`/${PLACES[event.key]}`));
    if (link) link.click();
  } else if (event.key === "/") {
    event.preventDefault();
    document.getElementById("search").focus();
  } else if (event.key === "j") move(1);
  else if (event.key === "k") move(-1);
  before = event.key;
});

// A menu closes when the reader goes elsewhere.
document.addEventListener("click", (event) => {
  for (const each of document.querySelectorAll("details.confirm[open]")) {
    if (!each.contains(event.target)) each.open = false;
  }
});

heed(main().dataset.now);
tick();
setInterval(tick, 1000);
setTimeout(live, Number(main().dataset.every) || 1000);
