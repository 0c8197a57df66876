"""Stores an agency's event: words in the register, ids and flags in the outbox, the answer for a repetition."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from services.casework.policy import agency_event
from services.casework.policy.agency_event import WITH_DETAILS, AgencyEvent, Defect, InvalidEvent
from services.casework.store import register_changes
from services.casework.store.register_changes import (
    correct_birth_date,
    people_on_directory,
    publish_directory_changes,
)
from services.platform.register import words
from services.platform.register.organisations import Agency
from services.platform.register.rota_changes import lock_register
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, first_row
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.care_events import AgeDetermined, ChildIdentified, ChildTransferred
from services.safeguarding.child_events.events import ChildProvisional, Proof
from services.safeguarding.dates import ADULT, birthday
from services.safeguarding.deeds import EVENTS_OF_DEEDS
from services.safeguarding.identifiers import ChildId, WordsId, derived, is_provisional

OUR_ID = re.compile(r"^(child|provisional)-[0-9a-f-]{36}$")
TAKEN_OF_ANYBODY = (*WITH_DETAILS, ChildIdentified)
"""`_require_identifiable` judges the last."""

MARK = """
    INSERT INTO accepted (source, message_id, content_hash, child, agency, at)
    VALUES (%(source)s, %(message_id)s, %(content_hash)s, %(child)s, %(agency)s, %(at)s)
    ON CONFLICT DO NOTHING RETURNING child
"""
MARKED = "SELECT content_hash, child FROM accepted WHERE source = %(source)s AND message_id = %(message_id)s"
CHILD = """
    SELECT id, authority FROM register.children
    WHERE authority = %(agency_authority)s AND (id = %(subject)s OR reference = %(reference)s)
"""
PROVISIONAL = """
    SELECT child AS id, authority FROM register.provisional_children
    WHERE child = %(subject)s AND authority = %(agency_authority)s LIMIT 1
"""
CHILD_OF_AUTHORITY = "SELECT id FROM register.children WHERE id = %(child)s AND authority = %(authority)s"


class OtherContent(Exception):
    """The same source and id were accepted before with other content."""


@dataclass(frozen=True, slots=True)
class Child:
    id: ChildId
    authority: str


async def accept_event(
    uow: UnitOfWork, keyring: Keyring, agency: Agency, event: AgencyEvent, *, story: datetime, wall: datetime
) -> ChildId:
    """Returns the child that the event was taken to be about, a provisional one if nobody knows which. A repetition has
    the same answer and no further effect. `story` and `wall` are now, by each clock.

    Raises OtherContent, and InvalidEvent if the content breaks the event's contract. Nothing is kept then.
    """
    envelope = event.envelope
    if event.kind is ChildTransferred:
        await lock_register(uow, agency.authority, str(envelope.data.get("to")).replace("\x00", ""))
    provisional = Child(agency_event.provisional_child(envelope), agency.authority)
    child = await _find_child(uow, agency, envelope.subject) or _take_as_unknown(event, provisional)
    before = await _mark_accepted(uow, agency, event, child.id, wall)
    if before is not None:
        uow.wait_for_standby()
        return before
    words_ids = await _keep_words(uow, keyring, agency, event, child, unknown=child is provisional)
    entitled = agency.verifies and child.authority == agency.authority and not is_provisional(child.id)
    content = agency_event.content_of(
        event,
        authority=child.authority,
        words=words_ids,
        proof=Proof.AGENCY if entitled else None,
        now=story,
    )
    if event.kind in EVENTS_OF_DEEDS and child.authority != agency.authority:
        raise InvalidEvent(Defect.NOT_ALLOWED, "subject", "a child of the agency's own authority")
    if isinstance(content, ChildIdentified):
        await _require_identifiable(uow, agency, content, unknown=child is provisional)
    if isinstance(content, AgeDetermined) and event.said.date_of_birth is not None:
        _require_fitting(agency, child, content, event.said.date_of_birth)
    if isinstance(content, ChildTransferred):
        _require_transferable(agency, child, content)
        if not envelope.exercise:
            people = await uow.fetch(people_on_directory(child.authority))
            await register_changes.transfer(uow, keyring, content, child.id, event.said.moves_to, envelope.time)
            await publish_directory_changes(uow, child.authority, people, at=envelope.time)
    publish = partial(
        uow.publish,
        subject=child.id,
        at=envelope.time,
        exercise=envelope.exercise,
        trace=agency_event.trace_of(envelope),
    )
    publish(content, message_id=agency_event.message_id(envelope), source=envelope.source)
    if isinstance(content, AgeDetermined) and content.case_law_compliant and not envelope.exercise:
        await correct_birth_date(uow, keyring, child.id, child.authority, event.said.date_of_birth)
    if child is provisional:
        provisional_id = str(derived("provisional", envelope.source, envelope.id))
        publish(ChildProvisional(authority=child.authority, words=words_ids), message_id=provisional_id)
    return child.id


async def _keep_words(
    uow: UnitOfWork, keyring: Keyring, agency: Agency, event: AgencyEvent, child: Child, *, unknown: bool
) -> tuple[WordsId, ...]:
    """For an unknown child, first what the agency calls it: that may be a name, so it does not travel."""
    subject = (f"Named by the agency: {event.envelope.subject}",) if unknown else ()
    at = event.envelope.time
    said = [(None, each) for each in (*subject, *event.said.words)]
    kept = [
        await words.keep(uow, keyring, about=child.id, words=each, said_by=agency.id, at=at, answers=question)
        for question, each in (*said, *event.said.details.items())
    ]
    return tuple(kept)


async def _find_child(uow: UnitOfWork, agency: Agency, subject: str) -> Child | None:
    """By our id or `<authority>/<reference>`, of a child that is the agency's authority's own or was given away by it;
    or by the provisional id of a child that anybody has reported to this authority.
    """
    authority, _, reference = subject.partition("/")
    is_own = authority == agency.authority
    named = {
        "subject": subject,
        "agency_authority": agency.authority,
        "reference": reference if is_own else None,
    }
    is_provisional_id = OUR_ID.match(subject) is not None and is_provisional(subject)
    row = await uow.fetch(Query(PROVISIONAL if is_provisional_id else CHILD, named, first_row))
    if row is None and not is_provisional_id:
        row = await uow.fetch(register_changes.transferred_child(agency.authority, subject, named["reference"]))
    return None if row is None else Child(row.id, row.authority)


def _take_as_unknown(event: AgencyEvent, provisional: Child) -> Child:
    """A report or news under an id that is none of the agency's children is taken, and a person asks who it is.

    Raises InvalidEvent for anything else under such an id, whether or not it is another authority's child.
    """
    if OUR_ID.match(event.envelope.subject) and event.kind not in TAKEN_OF_ANYBODY:
        raise InvalidEvent(Defect.NOT_ALLOWED, "subject", "a child of the agency's own authority")
    return provisional


def _require_transferable(agency: Agency, child: Child, said: ChildTransferred) -> None:
    """Only the responsible authority may give a child away. Raises InvalidEvent."""
    if child.authority not in {agency.authority, said.to}:
        raise InvalidEvent(Defect.CONTENT, "subject", "a child of the agency's own authority")


def _require_fitting(agency: Agency, child: Child, said: AgeDetermined, born: date) -> None:
    """A birth date changes the register: only of the agency's own child, and none that contradicts the finding. Raises
    InvalidEvent.
    """
    if child.authority != agency.authority:
        raise InvalidEvent(Defect.NOT_ALLOWED, "subject", "a child of the agency's own authority")
    is_adult = said.assessed_on >= birthday(born, ADULT)
    if is_adult is not (said.found == "adult"):
        raise InvalidEvent(Defect.CONTENT, "data.date_of_birth", "a day that fits what was found")


async def _require_identifiable(uow: UnitOfWork, agency: Agency, said: ChildIdentified, *, unknown: bool) -> None:
    """Joins two cases for good, so both must be of the agency's authority: the child, and the provisional one that was
    reported.

    Raises InvalidEvent.
    """
    if unknown:
        raise InvalidEvent(
            Defect.CONTENT, "subject", "the provisional id of a child that was reported to the agency's own authority"
        )
    if not await uow.fetch(Query(CHILD_OF_AUTHORITY, {"child": said.child, "authority": agency.authority}, bool)):
        raise InvalidEvent(Defect.CONTENT, "data.child", "our id of a child of the agency's own authority")


async def _mark_accepted(
    uow: UnitOfWork, agency: Agency, event: AgencyEvent, child: ChildId, now: datetime
) -> ChildId | None:
    """None if the event is new; otherwise the child of the earlier answer. Of two that race, the second waits here for
    the first.

    Raises OtherContent.
    """
    row = {
        "source": event.envelope.source,
        "message_id": event.envelope.id,
        "content_hash": event.content_hash,
        "child": child,
        "agency": agency.id,
        "at": now,
    }
    if await uow.fetch(Query(MARK, row, bool)):
        return None
    known = await uow.fetch(Query(MARKED, row, first_row))
    if known.content_hash != event.content_hash:
        raise OtherContent
    return str(known.child)
