// Reads calendars (a JSON list of texts on stdin) as two independent programs do, and says what each finds in them.
import { createRequire } from "node:module";
const require = createRequire(process.argv[2] + "/");
const ical = require("node-ical");
const { default: ICAL } = await import(require.resolve("ical.js"));

let input = "";
for await (const chunk of process.stdin) input += chunk;

const byIcalJs = (text) => {
  const calendar = new ICAL.Component(ICAL.parse(text));
  const event = new ICAL.Event(calendar.getFirstSubcomponent("vevent"));
  return {
    method: calendar.getFirstPropertyValue("method"),
    uid: event.uid,
    sequence: event.sequence,
    starts: event.startDate.toJSDate().toISOString(),
    ends: event.endDate.toJSDate().toISOString(),
    summary: event.summary,
    description: event.description,
    location: event.location ?? "",
    status: event.component.getFirstPropertyValue("status"),
    class: event.component.getFirstPropertyValue("class"),
    organizer: event.organizer,
    attendees: event.attendees.map((each) => each.getFirstValue()),
  };
};

const byNodeIcal = (text) => {
  const calendar = ical.sync.parseICS(text);
  const event = Object.values(calendar).find((each) => each.type === "VEVENT");
  const value = (each) => (typeof each === "object" && each !== null && "val" in each ? each.val : each);
  return {
    method: event.method,
    uid: event.uid,
    sequence: Number(event.sequence),
    starts: event.start.toISOString(),
    ends: event.end.toISOString(),
    summary: value(event.summary),
    description: value(event.description),
    location: value(event.location) ?? "",
    status: event.status,
    class: event.class,
    organizer: value(event.organizer),
    attendees: [event.attendee].flat().map(value),
  };
};

console.log(JSON.stringify(JSON.parse(input).map((text) => [byIcalJs(text), byNodeIcal(text)])));
