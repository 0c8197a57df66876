"""Prepares a mail of strategy for its first send: to the role's present holder, of the discussion's present state.

It is the invitation with its calendar (iTIP, RFC 5546), the request for the record, or the link to the record. Its
words, and those of the pages, are in `messages/`: one file a language.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import icalendar
from cachetools import TTLCache
from icalendar import Event, vCalAddress
from pydantic import TypeAdapter, ValidationError

from services.platform.delivery.channels import email
from services.platform.delivery.channels.email import EmailContent
from services.platform.delivery.inbound_mail.classifier import spelt
from services.platform.delivery.links import Links, Purpose
from services.platform.delivery.model import Delivery, PreparedMessage, Undeliverable
from services.platform.delivery.queue import repository as deliveries
from services.platform.register import conversation
from services.platform.register.directory import Contact, Holder, duty_holders, first_reachable
from services.platform.register.keys import new_cache
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.calendars import parse_calendar
from services.safeguarding.duty.duties import Duty
from services.safeguarding.identifiers import code_of
from services.safeguarding.meetings import Form
from services.safeguarding.roles import Role, Wording
from services.safeguarding.working_time import Moment, TimeForm, format_time, in_england
from services.strategy.discussions import repository as discussions
from services.strategy.discussions.policy import Reply, is_held_at_night
from services.strategy.discussions.repository import CANCELLED, Discussion, discussion_by_duty, discussion_by_recorder
from services.wording import in_language, languages_in, role_names

MESSAGES = Path(__file__).parent / "messages"
WORDINGS: dict[Form, Wording] = {"urgent": Wording("strategy-discussion"), "full": Wording("full-meeting")}


@dataclass(frozen=True, slots=True)
class Joining:
    """How to take part: by the authority's `bridge`, else through the duty line, else by a number the reader has."""

    duty_line: str | None
    bridge: str | None = None


@dataclass(frozen=True)
class Words:
    """One language. Days and times are England's."""

    name: str
    content: dict[str, Any]

    def when(self, at: datetime) -> dict[str, str]:
        local = in_england(at)
        day = f"{self.content['days'][local.weekday()]} {local.day} {self.content['months'][local.month - 1]}"
        return {"day": day, "time": format_time(at, TimeForm.HOUR)}

    def summary(self, about: Discussion, code: str) -> str:
        return self._mark(about) + self._invitation(about)["summary"].format(code=code)

    def how(self, about: Discussion) -> str:
        """Which discussion it is, and how it is held."""
        hours = "by-night" if is_held_at_night(about.starts_at) else "by-day"
        lasts = about.ends_at - about.starts_at
        return self._invitation(about)[hours].format(minutes=int(lasts.total_seconds() // 60))

    def join(self, code: str, joining: Joining) -> str:
        way = ("join-by-bridge" if joining.bridge else "join") + ("" if joining.duty_line else "-without-line")
        return str(self.content[way]).format(code=code, duty_line=joining.duty_line, bridge=joining.bridge)

    def email(self, about: Discussion, *, code: str, link: str, joining: Joining) -> EmailContent:
        """The discussion in its present state: planned, moved, or called off, which has no button."""
        is_off, when = about.state == CANCELLED, self.when(about.starts_at)
        change = "cancelled-" if is_off else "moved-" if about.sequence else ""
        subject, says = (
            self._invitation(about)[change + part].format(**when, code=code) for part in ("subject", "says")
        )
        join = () if is_off else (self.how(about), self.join(code, joining))
        return EmailContent(
            subject=self._mark(about) + subject,
            paragraphs=(self._mark(about) + says, *join),
            button="" if is_off else self.content["button"],
            link="" if is_off else link,
            small=tuple(self.content["cancelled-small" if is_off else "small"]),
            language=self.name,
            headline=self.content[change + "headline"].format(**when),
        )

    def record_email(self, what: str, about: Discussion, *, code: str, link: str) -> EmailContent:
        """`what` is "asks-for-record" or "record"."""
        parts, when = self.content["letters"][what], self.when(about.starts_at)
        return EmailContent(
            subject=self._mark(about) + parts["subject"].format(**when, code=code),
            paragraphs=(self._mark(about) + parts["says"].format(**when),),
            button=parts["button"],
            link=link,
            small=tuple(parts["small"]),
            language=self.name,
        )

    def role(self, role: Role) -> str:
        return role_names(self.name)[role]

    def day(self, day: date) -> str:
        return f"{self.content['days'][day.weekday()]} {day.day} {self.content['months'][day.month - 1]} {day.year}"

    def record(self, part: str, **filled: object) -> str:
        """A part of the pages on which a record is written and read."""
        return str(self.content["record"][part]).format(**filled)

    def page(self, part: str, at: datetime) -> str:
        return str(self.content["page"][part]).format(**self.when(at))

    def _mark(self, about: Discussion) -> str:
        return str(self.content["exercise"]) if about.exercise else ""

    def _invitation(self, about: Discussion) -> dict[str, str]:
        found: dict[str, str] = self.content["invitations"][WORDINGS[about.form]]
        return found


LANGUAGES = {name: Words(name, content) for name, content in languages_in(MESSAGES).items()}


def words(language: str | None) -> Words:
    """English, if there is no such language or none is known."""
    return in_language(LANGUAGES, language)


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
    """Raises NotAReply for what answers no invitation of ours. `method`: the mail part's, if the calendar has none."""
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
        return self._build(content, delivery, reader, email.Calendar(invitation.to_ical(now), invitation.method))

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
        self, content: EmailContent, delivery: Delivery, reader: Reader, calendar: email.Calendar | None = None
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
            discussions.set_person(uow, duty, found.person, self.keyring.number_hash(spelt(reader.address)))
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
        earlier = await uow.fetch(discussions.attendees_of_duty(duty.duty))
        asked = {each.person for each in earlier}
        deputies_left = [each for each in holders if each.person not in asked]
        if deputies_left:
            return deputies_left
        failed = await deliveries.people_not_reached(uow, duty.duty)
        waits = {each.person for each in earlier if each.reply in {Reply.WAITING, Reply.COUNTER}} - failed
        return [each for each in holders if each.person in waits]
