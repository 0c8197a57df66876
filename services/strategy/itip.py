"""Invitations as calendars read them (iTIP, RFC 5546): UTC times, one event, one UID for ever, SEQUENCE for each change."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from icalendar import Calendar, Event, vCalAddress

from services.strategy.policy import LASTS, Reply

PRODUCT = "-//Safe Return//strategy//EN"
REQUEST, CANCEL = "REQUEST", "CANCEL"
REPLIES = {
    "ACCEPTED": Reply.ACCEPTED,
    "TENTATIVE": Reply.TENTATIVE,
    "DECLINED": Reply.DECLINED,
    "DELEGATED": Reply.DECLINED,
}
"""Someone who sends another instead does not come; that other is not known to us and is asked for by a person."""


class NotAReply(Exception):
    """A calendar part that answers no invitation."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """`organizer` must be the mail's From address: a calendar believes no other. `summary` and `description` name nobody."""

    discussion: UUID
    sequence: int
    starts_at: datetime
    cancelled: bool
    organizer: str
    attendee: str
    summary: str
    description: str

    @property
    def method(self) -> str:
        return CANCEL if self.cancelled else REQUEST

    def written(self, now: datetime) -> str:
        """`now` is wall time."""
        event = Event()
        event.add("uid", uid(self.discussion, self.organizer))
        event.add("sequence", self.sequence)
        event.add("dtstamp", now.astimezone(UTC))
        event.add("dtstart", self.starts_at.astimezone(UTC))
        event.add("dtend", (self.starts_at + LASTS).astimezone(UTC))
        event.add("summary", self.summary)
        event.add("description", self.description)
        event.add("class", "CONFIDENTIAL")
        event.add("status", "CANCELLED" if self.cancelled else "CONFIRMED")
        event.add("transp", "OPAQUE")
        event.add("organizer", vCalAddress(f"mailto:{self.organizer}"))
        event.add("attendee", self._attendee(), encode=False)
        calendar = Calendar()
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
    """What an attendee's calendar sent back. `proposes` is the time that a counter-proposal asks for."""

    discussion: UUID
    sequence: int
    attendee: str
    reply: Reply
    proposes: datetime | None = None


def uid(discussion: UUID, organizer: str) -> str:
    return f"{discussion}@{organizer.rpartition('@')[2]}"


def read(raw: str) -> Answered:
    """Raises NotAReply for anything but a REPLY or COUNTER to an invitation of ours."""
    try:
        calendar = Calendar.from_ical(raw)
        method = str(calendar.get("METHOD", "")).upper()
        (event,) = calendar.walk("VEVENT")
        discussion = UUID(str(event["UID"]).partition("@")[0])
        listed = event["ATTENDEE"]
        attendee = listed[0] if isinstance(listed, list) else listed
        answered = str(attendee.params.get("PARTSTAT", "")).upper()
        reply = Reply.COUNTER if method == "COUNTER" else {"REPLY": REPLIES}[method][answered]
        return Answered(
            discussion=discussion,
            sequence=int(event.get("SEQUENCE", 0)),
            attendee=str(attendee).partition(":")[2].strip().lower(),
            reply=reply,
            proposes=_proposed(event) if reply is Reply.COUNTER else None,
        )
    except (ValueError, KeyError, TypeError, AttributeError, IndexError) as error:
        raise NotAReply from error


def _proposed(event: Any) -> datetime | None:
    start = event.decoded("DTSTART", None)
    return start if isinstance(start, datetime) and start.tzinfo is not None else None
