// Keeps the page's changing part as it now is, and its countdowns going. Without it the page is fetched anew every five seconds.
"use strict";

const liveness = document.getElementById("liveness");
const part = document.getElementById("part");
let ahead = 0; // story time less this machine's clock, in milliseconds

function inPlainSpan(milliseconds) {
  const whole = Math.max(0, Math.floor(milliseconds / 1000));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor((whole % 86400) / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return minutes < 10 ? `${minutes} min ${whole % 60} s` : `${minutes} min`;
  return `${whole} s`;
}

function tick() {
  const now = Date.now() + ahead;
  for (const each of part.querySelectorAll("[data-since]")) each.textContent = inPlainSpan(now - Date.parse(each.dataset.since));
  for (const each of part.querySelectorAll("[data-due]")) {
    const left = Date.parse(each.dataset.due) - now;
    each.textContent = left > 0 ? `in ${inPlainSpan(left)}` : "now due";
    each.classList.toggle("soon", left < 60000);
  }
}

function followClock() {
  ahead = Date.parse(part.querySelector("[data-now]").dataset.now) - Date.now();
  tick();
}

async function fetchPart() {
  const answer = await fetch(liveness.dataset.part);
  if (answer.status === 401) {
    signedOut = true;
    changes.close();
    return;
  }
  if (!answer.ok) throw new Error(answer.status);
  const fresh = await answer.text();
  // From here on nothing waits: whoever moves the focus meanwhile would lose it.
  const focused = document.activeElement?.id;
  const opened = [...part.querySelectorAll("details[open]")].map((each) => each.id);
  part.innerHTML = fresh;
  for (const id of opened) document.getElementById(id)?.setAttribute("open", "");
  if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
  followClock();
}

function say(words, state) {
  if (liveness.textContent !== words) liveness.textContent = words;
  liveness.dataset.state = state;
}

let changes;
let signedOut = false;
let fetching = false;
let again = false;

async function refresh() {
  again = true;
  if (fetching) return;
  fetching = true;
  while (again) {
    again = false;
    try {
      await fetchPart();
      if (signedOut) say("Not live: you are signed out. Load the page again to sign in.", "lost");
      else say("Live", "live");
    } catch {
      say("Not live: the console cannot be reached. Trying again.", "lost");
    }
  }
  fetching = false;
}

if (liveness && part) {
  followClock();
  setInterval(tick, 1000);
  changes = new EventSource(liveness.dataset.changes);
  changes.addEventListener("changed", refresh);
  changes.addEventListener("error", () => say("Not live: the console cannot be reached. Trying again.", "lost"));
}

document.getElementById("summary")?.focus();
