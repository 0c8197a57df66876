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
  giveNotice();
}

// What needs somebody: counted in the tab's title; a mark that is new rings, where somebody asked for it.
const title = document.title;
const alerts = document.getElementById("alerts");
let known = null;

function ring() {
  const audio = new AudioContext();
  for (const [at, pitch] of [[0, 880], [0.25, 660], [0.5, 880]]) {
    const tone = audio.createOscillator();
    tone.frequency.value = pitch;
    tone.connect(audio.destination);
    tone.start(audio.currentTime + at);
    tone.stop(audio.currentTime + at + 0.2);
  }
}

function giveNotice() {
  const counted = part.querySelector("[data-urgent]");
  if (!counted) return;
  const marks = counted.dataset.urgent.split(" ").filter(Boolean);
  document.title = counted.dataset.count === "0" ? title : `(${counted.dataset.count}) ${title}`;
  const isNew = known !== null && marks.some((each) => !known.has(each));
  known = new Set(marks);
  if (!isNew || alerts?.getAttribute("aria-pressed") !== "true") return;
  ring();
  if ("Notification" in window && Notification.permission === "granted") new Notification("Safe Return", { body: "A case needs somebody now", tag: "urgent" });
}

if (alerts && "AudioContext" in window) {
  alerts.hidden = false;
  alerts.addEventListener("click", async () => {
    const on = alerts.getAttribute("aria-pressed") !== "true";
    alerts.setAttribute("aria-pressed", String(on));
    alerts.textContent = on ? "Sound and notices are on" : "Sound and notify me";
    if (!on) return;
    ring();
    if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  });
}

// Whoever is signed in by their organisation is out until it has been asked again, which a page does as it is loaded. Once a
// minute, and not while somebody types or is on the way to another page.
let leaving = false;
addEventListener("beforeunload", () => { leaving = true; });
const dirty = () => [...document.querySelectorAll("input, textarea, select")].some((each) =>
  each.type === "checkbox" || each.type === "radio" ? each.checked !== each.defaultChecked
    : each.tagName === "SELECT" ? [...each.options].some((one) => one.selected !== one.defaultSelected)
    : each.value !== each.defaultValue);

function comeBack() {
  const last = Number(sessionStorage.getItem("came back") ?? 0);
  if (leaving || dirty() || Date.now() - last < 60000) return;
  sessionStorage.setItem("came back", String(Date.now()));
  location.reload();
}

async function fetchPart() {
  const answer = await fetch(liveness.dataset.part);
  if (answer.status === 401) {
    signedOut = true;
    changes.close();
    if ((await answer.text()) === "Ask again.") comeBack();
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

// A file is read into the field that it is for, which can also be pasted into.
for (const each of document.querySelectorAll("input[data-into]")) {
  each.hidden = false;
  each.addEventListener("change", async () => { document.getElementById(each.dataset.into).value = await each.files[0].text(); });
}

document.getElementById("summary")?.focus();
