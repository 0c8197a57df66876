// The page asks for one document a second and redraws a part only when that part has changed.
// Everything shown is set as text, never as HTML: it came from outside.
"use strict";

const byId = (id) => document.getElementById(id);
const drawn = {};

function element(tag, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(tag), attributes);
  made.append(...children);
  return made;
}

function changed(part, content) {
  const written = JSON.stringify(content);
  if (drawn[part] === written) return false;
  drawn[part] = written;
  return true;
}

const clock = (written) => new Date(written).toLocaleTimeString("en-GB", { timeZone: "Europe/London" });
const words = (name) => name.replace(/[._-]/g, " ");

async function send(method, path, body) {
  const answer = await fetch(path, {
    method, headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
  });
  if (!answer.ok) window.alert(`The sandbox refused: ${await answer.text()}`);
  await refresh();
}

// --- phones ---

const RANK = { carer: 0, staff: 1, child: 2, stranger: 3 };
const seen = JSON.parse(localStorage.getItem("seen") || "{}");

function phoneLabel(phone) {
  const children = phone.children.length ? `, ${phone.children.join(", ")}` : "";
  const news = phone.number !== byId("phone").value && phone.last > (seen[phone.number] || 0) ? "● " : "";
  return `${news}${phone.name} (${phone.role}${children}) ${phone.number}`;
}

function drawPhones(phones) {
  const select = byId("phone");
  const sorted = [...phones].sort((a, b) => RANK[a.role] - RANK[b.role]);
  if (changed("phones", [select.value, sorted.map(phoneLabel)])) {
    const kept = select.value || location.hash.slice(1) || sorted[0]?.number;
    select.replaceChildren(...sorted.map((phone) => element("option", { value: phone.number }, phoneLabel(phone))));
    if (phones.some((phone) => phone.number === kept)) select.value = kept;
  }
  const held = phones.find((phone) => phone.number === select.value);
  if (!held) return;
  byId("answers").parentElement.hidden = held.role !== "staff";
  byId("answers").checked = held.answers;
  drawPrompts(held);
}

function drawPrompts(phone) {
  const prompts = { carer: ["MISSING", "BACK", "JOIN", "PRACTICE MISSING"], staff: [] }[phone.role] || ["MISSING"];
  const texts = phone.children.length > 1
    ? prompts.flatMap((word) => phone.children.map((code) => `${word} ${code}`)) : prompts;
  if (!changed("prompts", texts)) return;
  byId("prompts").replaceChildren(...texts.map((text) => element(
    "button", { type: "button", className: "second", onclick: () => { byId("body").value = text; } }, text)));
}

function fate(text) {
  if (text.direction !== "inbound") {
    return text.error_code ? `${text.status}, error ${text.error_code}` : text.status;
  }
  if (text.answered) return text.attempts > 1 ? `received at attempt ${text.attempts}` : "received";
  return text.attempts ? `not taken yet, ${text.attempts} attempts` : "sending";
}

const CALLS = { completed: "answered", "no-answer": "nobody answered", busy: "engaged", failed: "failed" };

function drawCall(call) {
  const how = call.answered_by === "machine_start" ? "an answering machine took it" : CALLS[call.status] || words(call.status);
  return element("li", { className: "call" }, element("strong", {}, "Call: "), call.says,
    element("small", {}, `${clock(call.at)}, ${how}`));
}

function drawThread(texts, calls) {
  const thread = byId("thread");
  if (!changed("thread", [texts, calls])) return;
  const segments = (text) => (text.segments > 1 ? `, ${text.segments} segments` : "");
  const drawText = (text) => element("li", { className: text.direction }, text.body,
    element("small", {}, `${clock(text.at)}, ${fate(text)}${segments(text)}`));
  const both = [...texts.map((text) => [text.at, drawText(text)]), ...calls.map((call) => [call.at, drawCall(call)])];
  thread.replaceChildren(...both.sort(([one], [other]) => one.localeCompare(other)).map(([, drawn]) => drawn));
  if (!both.length) thread.append(element("small", {}, "No texts yet."));
  thread.scrollTop = thread.scrollHeight;
  const newest = texts.at(-1);
  if (newest) {
    seen[byId("phone").value] = newest.n;
    localStorage.setItem("seen", JSON.stringify(seen));
  }
}

// --- police desks ---

function tag(text, kind = "") { return element("span", { className: `tag ${kind}` }, text); }

const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d/;
const DAY_AND_TIME = {
  day: "numeric", month: "short", year: "numeric", hour: "2-digit", minute: "2-digit",
  timeZone: "Europe/London", timeZoneName: "short",
};

function readable(value) {
  if (Array.isArray(value)) {
    return value.every((one) => typeof one !== "object") ? [value.map((one) => readable(one)[0]).join(", ")]
      : value.map((one) => readable(one)[0]);
  }
  if (typeof value === "object") return [fields(value)];
  return [MOMENT.test(value) ? new Date(value).toLocaleString("en-GB", DAY_AND_TIME) : String(value)];
}

function fields(record) {
  const list = element("dl");
  for (const [name, value] of Object.entries(record)) {
    if (value === null || value === "" || (Array.isArray(value) && !value.length)) continue;
    list.append(element("dt", {}, words(name)), element("dd", {}, ...readable(value)));
  }
  return list;
}

function drawNotice(notice) {
  const type = notice.body?.type || "not a notice", said = notice.body?.data;
  const what = [said?.reference, words(type), said?.about && words(said.about), clock(notice.received_at)];
  const article = element("article", {}, element("h4", {}, what.filter(Boolean).join(", ")));
  article.append(notice.verified ? tag("signature verified", "good") : tag("signature wrong", "bad"));
  if (notice.verified) article.append(notice.acknowledged ? tag("acknowledged", "good") : tag("not acknowledged", "bad"));
  if (notice.body?.data?.exercise) article.append(tag("exercise"));
  if (notice.reference) article.append(tag(notice.reference));
  if (notice.repeats) article.append(tag(`repeated ${notice.repeats}`));
  if (notice.conflicts) article.append(tag("same id, other content", "bad"));
  const content = typeof notice.body === "object" ? fields(notice.body?.data || notice.body) : element("pre", {}, notice.body);
  article.append(element("details", {}, element("summary", {}, "Read the notice"), content));
  if (notice.verified) article.append(replyButtons(notice));
  return article;
}

function replyButtons(notice) {
  const reply = (about) => send("POST", `/desks/${notice.force}/replies`, { notice: notice.id, ...about });
  const button = (label, about) => element("button", { type: "button", className: "second", onclick: () => reply(about) }, label);
  const row = element("p", { className: "quiet" });
  if (!notice.acknowledged) row.append(button("Acknowledge", { type: "police.acknowledged" }));
  row.append(
    button("Grade high", { type: "police.risk-graded", grade: "high" }),
    button("Grade medium", { type: "police.risk-graded", grade: "medium" }),
    button("Close", { type: "police.closed" }));
  return row;
}

function openDetails(container) {
  return new Set([...container.querySelectorAll("details[open]")].map((one) => one.dataset.key));
}

function drawDesks(desks, notices) {
  if (!changed("desks", [desks, notices])) return;
  const list = byId("desk-list");
  const open = openDetails(list);
  const scrolled = [...list.querySelectorAll(".held")].map((held) => [held.ariaLabel, held.scrollTop]);
  list.replaceChildren(...desks.flatMap((desk) => {
    const held = notices.filter((notice) => notice.force === desk.force).reverse();
    const drawnNotices = held.map((notice) => {
      const article = drawNotice(notice);
      const details = article.querySelector("details");
      details.dataset.key = `notice ${notice.n}`;
      details.open = open.has(details.dataset.key);
      return article;
    });
    const nothing = element("p", { className: "empty" }, "No notice yet.");
    const label = `Notices at ${desk.name}`;
    const shown = element("div", { className: "held", tabIndex: 0, role: "region", ariaLabel: label }, ...drawnNotices);
    return [element("h3", {}, desk.name), held.length ? shown : nothing];
  }));
  for (const [label, top] of scrolled) {
    for (const held of list.querySelectorAll(".held")) if (held.ariaLabel === label) held.scrollTop = top;
  }
}

// --- mailboxes ---

function linked(text) {
  return text.split(/(https?:\/\/[^\s<>"]+)/).map((piece, place) => (
    place % 2 ? element("a", { href: piece, target: "_blank", rel: "noreferrer" }, piece) : piece));
}

const MOODS = ["normal", "unknown", "full", "greylisting", "bounces", "away"];

function drawMailboxes(mailboxes, moods) {
  if (!changed("mailboxes", [mailboxes, moods])) return;
  byId("mailbox-list").replaceChildren(...mailboxes.map((mailbox) => {
    const box = element("input", { type: "checkbox", checked: mailbox.answers, onchange: () => send(
      "PUT", `/mailboxes/${encodeURIComponent(mailbox.address)}`, { answers: box.checked }) });
    const mood = moods[mailbox.address.toLowerCase()] ?? { mode: "normal" };
    const path = `/behaviours/mailboxes/${encodeURIComponent(mailbox.address)}`;
    return element("div", { className: "switch" },
      element("label", { className: "check" }, box, `${mailbox.name}, ${mailbox.address}`),
      choice(`${mailbox.name}'s mailbox`, "is", MOODS, mood.mode, (mode) => send("PUT", path, { ...mood, mode })));
  }));
}

function drawMails(mails) {
  if (!changed("mails", mails)) return;
  const list = byId("mail-list");
  const open = openDetails(list);
  list.replaceChildren(...[...mails].reverse().map((mail) => {
    const details = element("details", {}, element("summary", {}, mail.subject || "(no subject)"),
      element("pre", {}, ...linked(mail.text || "(no plain text)")));
    details.dataset.key = `mail ${mail.n}`;
    details.open = open.has(details.dataset.key);
    const line = `to ${mail.to.join(", ")} at ${clock(mail.received_at)}`;
    return element("article", {}, details, element("span", { className: "quiet" }, line));
  }));
  if (!mails.length) list.append(element("p", { className: "empty" }, "No mail yet."));
}

// --- switches ---

function choice(part, label, options, value, set) {
  const select = element("select", { ariaLabel: `${part} ${label}`, onchange: () => set(select.value) },
    ...options.map((option) => element("option", { value: option, selected: option === value }, words(option))));
  return element("label", {}, label, document.createElement("br"), select);
}

function check(part, label, checked, set) {
  const box = element("input", { ariaLabel: `${part}: ${label}`, type: "checkbox", checked, onchange: () => set(box.checked) });
  return element("label", { className: "check" }, box, label);
}

function seconds(part, behaviour, set) {
  const field = element("input", {
    ariaLabel: `${part}, seconds when slow`, type: "number", min: 0, max: 600, step: 0.5, value: behaviour.delay_seconds,
    onchange: () => set("delay_seconds")(Number(field.value)),
  });
  return element("label", {}, "seconds when slow", document.createElement("br"), field);
}

function drawSwitch(title, path, behaviour, modes, extras) {
  const set = (name) => (value) => send("PUT", path, { ...behaviour, [name]: value });
  return element("div", { className: "switch" }, element("strong", {}, title),
    choice(title, "is", modes, behaviour.mode, set("mode")), seconds(title, behaviour, set), ...extras(set));
}

function drawSwitches(desks, behaviours) {
  if (!changed("switches", [desks, behaviours])) return;
  const network = behaviours.phone_network;
  byId("switch-list").replaceChildren(
    ...desks.map((desk) => drawSwitch(
      desk.name, `/behaviours/desks/${desk.force}`, behaviours.desks[desk.force],
      ["normal", "slow", "failing", "silent", "hang"],
      (set) => [check(desk.name, "a person acknowledges", behaviours.desks[desk.force].acknowledges, set("acknowledges"))])),
    drawSwitch(
      "Phone network", "/behaviours/phone-network", network,
      ["normal", "slow", "failing", "silent", "lost-answer", "throttled"],
      (set) => [
        choice("Phone network", "texts are", ["delivered", "undelivered", "none"], network.delivery, set("delivery")),
        choice("Phone network", "calls are", ["answered", "machine", "busy", "no-answer", "failed"], network.calls, set("calls"))]),
    drawSwitch(
      "Mail server", "/behaviours/mail-server", behaviours.mail_server,
      ["normal", "slow", "failing", "refusing", "silent"], () => []));
}

// --- the whole page ---

async function refresh() {
  try {
    const answer = await fetch(`/page-state?phone=${encodeURIComponent(byId("phone").value)}`);
    const state = await answer.json();
    byId("own-number").textContent = state.own_number;
    const before = byId("phone").value;
    drawPhones(state.phones);
    if (before === byId("phone").value) drawThread(state.thread, state.calls);
    drawDesks(state.desks, state.notices);
    drawMailboxes(state.mailboxes, state.behaviours.mailboxes);
    drawMails(state.mails);
    drawSwitches(state.desks, state.behaviours);
    byId("link").textContent = "";
    byId("link").className = "";
  } catch {
    byId("link").textContent = "The sandbox does not answer: what you see may be old.";
    byId("link").className = "lost";
  }
}

byId("phone").addEventListener("change", refresh);
byId("answers").addEventListener("change", () => send(
  "PUT", `/phones/${encodeURIComponent(byId("phone").value)}`, { answers: byId("answers").checked }));
byId("type").addEventListener("submit", (event) => {
  event.preventDefault();
  const body = byId("body").value;
  byId("body").value = "";
  send("POST", "/texts", { from: byId("phone").value, body });
});
refresh().then(refresh);
setInterval(refresh, 1000);
