"""Stores an agency's event: words in the register, ids and flags in the outbox, the answer for a repetition.

Publishes what that changes of the register, a child's dates and an authority's directory. Moves a child to the
receiving authority, in the transaction that publishes it (S39, S45).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import count
from typing import Any

from services.casework import policy
from services.casework.policy import WITH_DETAILS, AgencyEvent, Defect, InvalidEvent
from services.platform.register import words
from services.platform.register.directory import lock_register
from services.platform.register.keys import key_of, move_data_key
from services.platform.register.organisations import Agency
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, all_rows, first_row, scalar
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import AgeDetermined, ChildIdentified, ChildTransferred
from services.safeguarding.deeds import EVENTS_OF_DEEDS
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, WordsId, derived, is_provisional
from services.safeguarding.working_time import ADULT, birthday

CORRECT = """
    UPDATE register.children c SET date_of_birth = %(born)s, adult_on = %(adult_on)s, age_disputed = false
    FROM (SELECT * FROM register.children WHERE id = %(child)s FOR UPDATE) former
    WHERE c.id = former.id RETURNING (former.adult_on, former.age_disputed) IS DISTINCT FROM (%(adult_on)s, false)
"""
PEOPLE = "SELECT DISTINCT person FROM register.directory WHERE authority = %(authority)s"


async def correct_birth_date(
    uow: UnitOfWork, keyring: Keyring, child: ChildId, authority: AuthorityId, born: date | None
) -> None:
    """As a lawful assessment has found it, which ends the dispute. None: the import says it some day. The date itself
    stays in the register.
    """
    if born is None:
        return
    key = await key_of(uow, keyring, child)
    found = {"child": child, "born": key.close(str(born), "children.date_of_birth"), "adult_on": birthday(born, ADULT)}
    if await uow.fetch(Query(CORRECT, found, scalar)):
        uow.publish(events.ChildRecordChanged(authority=authority), subject=child)


def people_on_directory(authority: AuthorityId) -> Query[frozenset[PersonId]]:
    return Query(PEOPLE, {"authority": authority}, lambda rows: frozenset(row.person for row in rows))


async def publish_directory_changes(
    uow: UnitOfWork, authority: AuthorityId, before: frozenset[PersonId], *, at: datetime | None = None
) -> None:
    """Compares with `before`, which was read before the change. `at` is story time, now if none is given."""
    after = await uow.fetch(people_on_directory(authority))
    for person in sorted(before ^ after):
        kind = events.ContactListed if person in after else events.ContactUnlisted
        uow.publish(kind(authority=authority, contact=person), subject=person, at=at)


TRANSFERRED_CHILD = """
    SELECT children.id, children.authority FROM register.children JOIN transferred ON transferred.child = children.id
    WHERE transferred.authority = %(authority)s AND (transferred.child = %(child)s OR transferred.reference = %(reference)s)
"""
IS_LIVE = "SELECT live FROM register.authorities WHERE id = %(authority)s"
MOVING_CHILD = "SELECT reference, code, placement FROM register.children WHERE id = %(child)s"
CODES = "SELECT code FROM register.children WHERE authority = %(authority)s"
PLACEMENT = "SELECT id FROM register.placements WHERE authority = %(authority)s AND reference = %(reference)s"
REFERENCE_BEFORE = """
    DELETE FROM transferred WHERE child = %(child)s AND authority = %(authority)s RETURNING reference
"""
KEEP_TRANSFER = """
    INSERT INTO transferred (authority, reference, child, at) VALUES (%(authority)s, %(reference)s, %(child)s, %(at)s)
"""
LEAVE_DIRECTORY = "DELETE FROM register.directory WHERE child = %(child)s AND authority = %(authority)s"
MOVE = """
    UPDATE register.children
    SET authority = %(authority)s, reference = %(reference)s, code = %(code)s, placement = %(placement)s,
        as_of = %(at)s
    WHERE id = %(child)s
"""
NOT_LIVE = "an authority that is live: this one takes no real report yet, so nobody would be told of the child"


async def transfer(
    uow: UnitOfWork, keyring: Keyring, said: ChildTransferred, child: ChildId, moves_to: str | None, at: datetime
) -> None:
    """Changes nothing if the register does not hold the receiving authority: then people hand over.

    `moves_to`: the receiver's reference of the next placement; None: the present one, until the register says. The
    caller has locked both authorities' registers. Idempotent. Raises InvalidEvent if the receiver is not live, or has
    no such placement.
    """
    to = None if said.outside_england else said.to
    is_live = None if to in {None, said.authority} else await uow.fetch(Query(IS_LIVE, {"authority": to}, scalar))
    if to is None or is_live is None:
        return
    if not is_live:
        raise InvalidEvent(Defect.CONTENT, "data.to", NOT_LIVE)
    await _move(uow, child, said.authority, to, moves_to, at)
    await move_data_key(uow.connection, keyring, child, to)


def transferred_child(authority: AuthorityId, child: str, reference: str | None) -> Query[Any]:
    """The `id` and present `authority` of a child that was this authority's, by our id or its reference, or None."""
    return Query(TRANSFERRED_CHILD, {"authority": authority, "child": child, "reference": reference}, first_row)


async def _move(
    uow: UnitOfWork, child: ChildId, former: AuthorityId, to: AuthorityId, moves_to: str | None, at: datetime
) -> None:
    """Under the receiver's earlier reference, if it had the child before; otherwise under our id, which is unique."""
    found, codes = await uow.fetch(
        Query(MOVING_CHILD, {"child": child}, first_row),
        Query(CODES, {"authority": to}, lambda rows: frozenset(row.code for row in rows)),
    )
    if found is None:
        return
    leaving = {"authority": former, "reference": found.reference, "child": child, "at": at}
    arriving = {"authority": to, "child": child, "at": at, "code": _free_code(found.code, codes)}
    arriving["placement"] = found.placement if moves_to is None else await _find_placement(uow, to, moves_to)
    arriving["reference"] = await uow.fetch(Query(REFERENCE_BEFORE, arriving, scalar)) or child
    await uow.fetch(  # at once, since the caller compares the directory
        Query(KEEP_TRANSFER, leaving, all_rows),
        Query(LEAVE_DIRECTORY, leaving, all_rows),
        Query(MOVE, arriving, all_rows),
    )


async def _find_placement(uow: UnitOfWork, authority: AuthorityId, reference: str) -> str:
    found = await uow.fetch(Query(PLACEMENT, {"authority": authority, "reference": reference}, scalar))
    if found is None:
        raise InvalidEvent(
            Defect.CONTENT, "data.moves_to", "the reference of a placement that the register holds of the receiver"
        )
    return str(found)


def _free_code(wished: str, taken: Collection[str]) -> str:
    """The code by which carers name a child: `wished` if it is free, else the first free number of its letter."""
    if wished not in taken:
        return wished
    return next(code for number in count(1) if (code := f"{wished[0]}{number}") not in taken)


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
    provisional = Child(policy.provisional_child(envelope), agency.authority)
    child = await _find_child(uow, agency, envelope.subject) or _take_as_unknown(event, provisional)
    before = await _mark_accepted(uow, agency, event, child.id, wall)
    if before is not None:
        uow.wait_for_standby()
        return before
    words_ids = await _keep_words(uow, keyring, agency, event, child, unknown=child is provisional)
    entitled = agency.verifies and child.authority == agency.authority and not is_provisional(child.id)
    content = policy.content_of(
        event, authority=child.authority, words=words_ids, proof=events.Proof.AGENCY if entitled else None, now=story
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
            await transfer(uow, keyring, content, child.id, event.said.moves_to, envelope.time)
            await publish_directory_changes(uow, child.authority, people, at=envelope.time)
    publish = partial(
        uow.publish, subject=child.id, at=envelope.time, exercise=envelope.exercise, trace=policy.trace_of(envelope)
    )
    publish(content, message_id=policy.message_id(envelope), source=envelope.source)
    if isinstance(content, AgeDetermined) and content.case_law_compliant and not envelope.exercise:
        await correct_birth_date(uow, keyring, child.id, child.authority, event.said.date_of_birth)
    if child is provisional:
        provisional_id = str(derived("provisional", envelope.source, envelope.id))
        publish(events.ChildProvisional(authority=child.authority, words=words_ids), message_id=provisional_id)
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
    named = {"subject": subject, "agency_authority": agency.authority, "reference": reference if is_own else None}
    is_provisional_id = OUR_ID.match(subject) is not None and is_provisional(subject)
    row = await uow.fetch(Query(PROVISIONAL if is_provisional_id else CHILD, named, first_row))
    if row is None and not is_provisional_id:
        row = await uow.fetch(transferred_child(agency.authority, subject, named["reference"]))
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
