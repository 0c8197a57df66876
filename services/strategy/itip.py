"""Writes invitations and reads replies as calendars do (iTIP, RFC 5546): UTC, one UID for ever, a SEQUENCE a change."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import icalendar
from icalendar import Event, vCalAddress
from pydantic import TypeAdapter, ValidationError

from services.safeguarding.calendars import parse_calendar
from services.safeguarding.dates import Moment
from services.strategy.discussions.policy import Reply
from services.strategy.discussions.repository import CANCELLED, Discussion

PRODUCT = "-//Safe Return//strategy//EN"
UID = re.compile(r"^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@")
REPLIES = {
    "ACCEPTED": Reply.ACCEPTED,
    "TENTATIVE": Reply.TENTATIVE,
    "DECLINED": Reply.DECLINED,
    "DELEGATED": Reply.DECLINED,
}
"""An attendee who delegates does not come. We do not know the delegate: a person asks."""
MOMENT = TypeAdapter[datetime](Moment)


class NotAReply(Exception):
    """A calendar part that answers no invitation."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """`organizer` must be the mail's From address, which calendars insist on. `summary`, `description` name nobody."""

    about: Discussion
    organizer: str
    attendee: str
    summary: str
    description: str

    @property
    def method(self) -> str:
        return "CANCEL" if self.about.state == CANCELLED else "REQUEST"

    def to_ical(self, now: datetime) -> str:
        """`now` is wall time."""
        event, about = Event(), self.about
        event.add("uid", uid(about.discussion, self.organizer))
        event.add("sequence", about.sequence)
        event.add("dtstamp", now.astimezone(UTC))
        event.add("dtstart", about.starts_at.astimezone(UTC))
        event.add("dtend", about.ends_at.astimezone(UTC))
        event.add("summary", self.summary)
        event.add("description", self.description)
        event.add("class", "CONFIDENTIAL")
        event.add("status", "CANCELLED" if about.state == CANCELLED else "CONFIRMED")
        event.add("transp", "OPAQUE")
        event.add("organizer", vCalAddress(f"mailto:{self.organizer}"))
        event.add("attendee", self._attendee(), encode=False)
        calendar = icalendar.Calendar()
        for name, value in (("prodid", PRODUCT), ("version", "2.0"), ("method", self.method)):
            calendar.add(name, value)
        calendar.add_component(event)
        return str(calendar.to_ical().decode())

    def _attendee(self) -> Any:
        attendee = vCalAddress(f"mailto:{self.attendee}")
        attendee.params.update(
            {"CUTYPE": "INDIVIDUAL", "ROLE": "REQ-PARTICIPANT", "PARTSTAT": "NEEDS-ACTION", "RSVP": "TRUE"}
        )
        return attendee


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer of an attendee's calendar. Where it has no `sequence`, `starts_at` says to which date it is.

    `proposes`: the time that a counter-proposal asks for. `comment`: the attendee's own words. `delegated`: it names
    somebody to come instead, or comes from the person who was named.
    """

    discussion: UUID
    sequence: int | None
    attendee: str
    reply: Reply
    starts_at: datetime | None = None
    proposes: datetime | None = None
    comment: str = ""
    delegated: bool = False


def uid(discussion: UUID, organizer: str) -> str:
    return f"{discussion}@{organizer.rpartition('@')[2]}"


def read(raw: str, method: str = "") -> Answered:
    """Raises NotAReply for anything but a REPLY or COUNTER to an invitation of ours. `method`: the mail part's, used if
    the calendar names none.
    """
    try:
        calendar = parse_calendar(_repair(raw))
        method = str(calendar.get("METHOD", "")).strip().upper() or method
        event, *others = calendar.walk("VEVENT")
        if any(each["UID"] != event["UID"] for each in others):
            raise NotAReply
        discussion = _read_discussion(str(event["UID"]))
        attendee = _answering_attendee(event)
        answered = str(attendee.params.get("PARTSTAT", "")).upper()
        reply = Reply.COUNTER if method == "COUNTER" else {"REPLY": REPLIES}[method][answered]
        start = _read_moment(event)
        return Answered(
            discussion=discussion,
            sequence=int(str(event["SEQUENCE"])) if "SEQUENCE" in event else None,
            attendee=str(attendee).rpartition(":")[2].strip().lower(),
            reply=reply,
            starts_at=start,
            proposes=start if reply is Reply.COUNTER else None,
            comment=_read_comment(event, attendee),
            delegated=answered == "DELEGATED"
            or "DELEGATED-TO" in attendee.params
            or "DELEGATED-FROM" in attendee.params,
        )
    except (ValueError, LookupError, TypeError, AttributeError, ArithmeticError, OSError, RecursionError) as error:
        raise NotAReply from error


def _read_discussion(uid: str) -> UUID:
    """Other programs' UIDs may be hexadecimal too."""
    found = UID.match(uid.strip().lower())
    if found is None:
        raise NotAReply
    return UUID(found[1])


def _repair(raw: str) -> str:
    """Blank lines, and spaces before a property, come from relays that rewrap calendars."""
    lines = [line for line in raw.lstrip().replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip()]
    return "\r\n".join(lines) + "\r\n"


def _answering_attendee(event: Any) -> Any:
    """The one that has answered, of several: some programs send back every attendee that they know."""
    listed = event["ATTENDEE"]
    everyone = listed if isinstance(listed, list) else [listed]
    answered = [each for each in everyone if str(each.params.get("PARTSTAT", "")).upper() not in {"", "NEEDS-ACTION"}]
    return (answered or everyone)[0]


def _read_comment(event: Any, attendee: Any) -> str:
    """Gmail sends it as a parameter of the attendee, others as COMMENT."""
    listed = event.get("COMMENT", [])
    said = [str(each) for each in (listed if isinstance(listed, list) else [listed])]
    return "\n".join(filter(None, map(str.strip, [*said, str(attendee.params.get("X-RESPONSE-COMMENT", ""))])))


def _read_moment(event: Any) -> datetime | None:
    """None for a time without its zone, which would be a guess, and for one that no discussion can be at."""
    try:
        return MOMENT.validate_python(event.decoded("DTSTART", None), strict=True)
    except ValidationError:
        return None
