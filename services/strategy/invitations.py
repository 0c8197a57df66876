"""Prepares a mail of strategy for its first send: to the role's present holder, of the discussion's present state.

It is the invitation with its calendar (iTIP, RFC 5546), the request for the record, or the link to the record.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import icalendar
from cachetools import TTLCache
from icalendar import Event, vCalAddress
from pydantic import TypeAdapter, ValidationError

from services.platform.delivery.channels import email
from services.platform.delivery.channels.email import Calendar, EmailContent
from services.platform.delivery.inbound_mail.classifier import spelt
from services.platform.delivery.links.tokens import Links, Purpose
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import conversation
from services.platform.register.cache import new_cache
from services.platform.register.directory import Contact, Holder, duty_holders, first_reachable
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.calendars import parse_calendar
from services.safeguarding.dates import Moment
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import code_of
from services.safeguarding.roles import Wording
from services.strategy.discussions import repository
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.policy import Reply
from services.strategy.discussions.repository import CANCELLED, Discussion, discussion_by_duty, discussion_by_recorder
from services.strategy.wording import Joining, words

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


@dataclass(frozen=True, slots=True)
class Reader:
    address: str
    language: str


@dataclass(frozen=True)
class EmailBuilder:
    """`mailbox` is both the organizer and the mail's From: a calendar believes no other."""

    clocks: Clocks
    links: Links
    mailbox: str

    def invitation(self, about: Discussion, delivery: Delivery, duty: Duty, reader: Reader, joining: Joining) -> str:
        """The discussion in its present state: planned, moved, or called off."""
        spoken, now, code = words(reader.language), self.clocks.wall(), code_of(duty.episode or duty.duty)
        link = self.links.url(Purpose.REPLY, duty.telling, now)
        invitation = Invitation(
            about,
            organizer=self.mailbox,
            attendee=reader.address,
            summary=spoken.summary(about, code),
            description=f"{spoken.how(about)}\n\n{spoken.join(code, joining)}",
        )
        content = spoken.email(about, code=code, link=link, joining=joining)
        return self._build(content, delivery, reader, Calendar(invitation.to_ical(now), invitation.method))

    def record_link(self, purpose: Purpose, about: Discussion, delivery: Delivery, duty: Duty, reader: Reader) -> str:
        """To the page on which the record is written, or to the one on which it is read."""
        content = words(reader.language).record_email(
            "asks-for-record" if purpose is Purpose.RECORD else "record",
            about,
            code=code_of(duty.episode or duty.duty),
            link=self.links.url(purpose, delivery.id, self.clocks.wall()),
        )
        return self._build(content, delivery, reader)

    def _build(
        self, content: EmailContent, delivery: Delivery, reader: Reader, calendar: Calendar | None = None
    ) -> str:
        return email.build_email(
            content,
            delivery=delivery.id,
            sender=self.mailbox,
            recipient=reader.address,
            at=self.clocks.wall(),
            calendar=calendar,
        )


EMAIL = "person.email"


def lock_discussions(mails: Sequence[Delivery]) -> list[Query[Rows]]:
    """Before these are prepared, and before their rows."""
    return [discussions.lock_of_mails(each.id for each in mails)] if mails else []


@dataclass(frozen=True)
class InvitationSender:
    keyring: Keyring
    clocks: Clocks
    emails: EmailBuilder
    joining_cache: TTLCache[Any, Any] = field(default_factory=new_cache)

    async def prepare(self, uow: UnitOfWork, delivery: Delivery) -> PreparedMessage | Undeliverable:
        duty = delivery.duty
        if duty is None:
            raise ValueError("strategy sends mails of duties alone")
        is_record = duty.wording is Wording("strategy-record")
        about, holders = await uow.fetch(
            discussion_by_recorder(duty) if is_record else discussion_by_duty(duty),
            duty_holders(duty, child=delivery.child, person=delivery.person, at=self.clocks.story()),
        )
        found = await self._reader(uow, delivery, duty, holders)
        if isinstance(found, Undeliverable):
            return found.having_read(EMAIL)
        if about is None:
            raise ValueError("a mail about no discussion")
        reader = Reader((found.email or "").strip(), found.language)
        if is_record:
            body = self.emails.record_link(Purpose.RECORD, about, delivery, duty, reader)
        else:
            repository.set_person(uow, duty, found.person, self.keyring.number_hash(spelt(reader.address)))
            body = await self._about_discussion(uow, about, delivery, duty, reader)
        return PreparedMessage(reader.address, body, person=found.person, read=(EMAIL,))

    async def _about_discussion(
        self, uow: UnitOfWork, about: Discussion, delivery: Delivery, duty: Duty, reader: Reader
    ) -> str:
        if about.state == discussions.HELD:
            return self.emails.record_link(Purpose.READ, about, delivery, duty, reader)
        joining = replace(conversation.how_to_join(duty.authority), cache=self.joining_cache)
        return self.emails.invitation(about, delivery, duty, reader, Joining(*await uow.fetch(joining)))

    async def _reader(
        self, uow: UnitOfWork, delivery: Delivery, duty: Duty, holders: list[Holder]
    ) -> Contact | Undeliverable:
        if delivery.person is None and duty.step and duty.wording is not Wording("strategy-record"):
            holders = await self._not_asked_yet(uow, duty, holders)
        if not holders:
            return Undeliverable("nobody-in-role", delivery.person)
        reached = first_reachable(self.keyring, holders, lambda each: each.email)
        return reached or Undeliverable("no-address", holders[0].person)

    async def _not_asked_yet(self, uow: UnitOfWork, duty: Duty, holders: list[Holder]) -> list[Holder]:
        """The role's deputies. If there is none left, those who have not answered are reminded."""
        earlier = await uow.fetch(repository.attendees_of_duty(duty.duty))
        asked = {each.person for each in earlier}
        deputies_left = [each for each in holders if each.person not in asked]
        if deputies_left:
            return deputies_left
        failed = await deliveries.people_not_reached(uow, duty.duty)
        waits = {each.person for each in earlier if each.reply in {Reply.WAITING, Reply.COUNTER}} - failed
        return [each for each in holders if each.person in waits]
