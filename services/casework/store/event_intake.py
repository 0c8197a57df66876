"""Takes an agency's event in: words to the register, ids and flags to the outbox, the answer kept for the same again."""

import re
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import RowMapping, or_, select
from sqlalchemy.dialects.postgresql import insert

from services.casework.policy import agency_event
from services.casework.policy.agency_event import AgencyEvent, Wrong, WrongEvent
from services.casework.store import transfers
from services.casework.store.directory_changes import listed, tell_of_listings
from services.casework.store.import_writer import hold_register
from services.casework.store.tables import accepted, children
from services.platform.register import words
from services.platform.register.agencies import Agency
from services.platform.register.views import provisional_children
from services.platform.store.encryption import Keyring
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.care_events import ChildIdentified, ChildTransferred
from services.safeguarding.child_events.events import ChildProvisional, Proof
from services.safeguarding.identifiers import ChildId, WordsId, derived, is_provisional

SERVICE = "casework"
OUR_ID = re.compile(r"^(child|provisional)-[0-9a-f-]{36}$")


class OtherContent(Exception):
    """The same source and id were accepted before with other content."""


@dataclass(frozen=True, slots=True)
class Moment:
    """`story` rules events, `wall` rows of the outbox."""

    story: datetime
    wall: datetime


@dataclass(frozen=True, slots=True)
class Child:
    id: ChildId
    authority: str


async def accept(uow: UnitOfWork, keyring: Keyring, agency: Agency, event: AgencyEvent, moment: Moment) -> ChildId:
    """The child it was taken to be about, provisional where nobody knows which; the same again has the same answer.

    Raises OtherContent, and WrongEvent where the content is not as the event's contract wants it; nothing is kept then.
    """
    envelope = event.envelope
    if event.kind is ChildTransferred:
        await hold_register(uow)
    provisional = Child(agency_event.provisional_child(envelope), agency.authority)
    child = await _child(uow, agency, envelope.subject) or provisional
    before = await _marked(uow, agency, event, child.id, moment.wall)
    if before is not None:
        return before
    words_ids = await _keep(uow, keyring, agency, event, child, unknown=child is provisional)
    entitled = agency.verifies and child.authority == agency.authority and not is_provisional(child.id)
    content = agency_event.content_of(
        event,
        authority=child.authority,
        words=words_ids,
        proof=Proof.AGENCY if entitled else None,
        now=moment.story,
    )
    if isinstance(content, ChildIdentified):
        await _may_identify(uow, agency, content, unknown=child is provisional)
    if isinstance(content, ChildTransferred):
        _may_transfer(agency, child, content)
        if not envelope.exercise:
            people = await listed(uow, child.authority)
            await transfers.transfer(uow, content, child.id, event.said.moves_to, envelope.time)
            await tell_of_listings(uow, child.authority, people, at=envelope.time)
    publish = partial(
        uow.publish,
        subject=child.id,
        at=envelope.time,
        exercise=envelope.exercise,
        trace=agency_event.trace_of(envelope),
    )
    publish(content, message_id=agency_event.message_id(envelope), source=envelope.source)
    if child is provisional:
        asks_id = str(derived("provisional", envelope.source, envelope.id))
        publish(ChildProvisional(authority=child.authority, words=words_ids), message_id=asks_id)
    return child.id


async def _keep(
    uow: UnitOfWork, keyring: Keyring, agency: Agency, event: AgencyEvent, child: Child, *, unknown: bool
) -> tuple[WordsId, ...]:
    """Of a child that nobody knows, what the agency calls it is kept first: it may be a name, so it does not travel."""
    subject = (f"Named by the agency: {event.envelope.subject}",) if unknown else ()
    at = event.envelope.time
    said = [(None, each) for each in (*subject, *event.said.words)]
    kept = [
        await words.keep(uow, keyring, about=child.id, words=each, said_by=agency.id, at=at, answers=question)
        for question, each in (*said, *event.said.details.items())
    ]
    return tuple(kept)


async def _child(uow: UnitOfWork, agency: Agency, subject: str) -> Child | None:
    """By our id; by `<authority>/<reference>` within the agency's own authority, also of a child given away since; or by a provisional
    id of a child that was reported to this authority, by whomever.
    """
    authority, _, reference = subject.partition("/")
    named = children.c.reference == reference if authority == agency.authority else children.c.id == subject
    if OUR_ID.match(subject) and is_provisional(subject):
        of = provisional_children.c
        reported = select(of.child).where(of.child == subject, of.authority == agency.authority).limit(1)
        found = await uow.connection.scalar(reported)
        return None if found is None else Child(found, agency.authority)
    rows = await uow.connection.execute(
        select(children.c.id, children.c.authority).where(
            named, or_(children.c.id == subject, children.c.authority == agency.authority)
        )
    )
    row = rows.mappings().first()
    if row is not None:
        return Child(row["id"], row["authority"])
    given_away = await transfers.named(uow, authority, reference) if authority == agency.authority else None
    return None if given_away is None else Child(*given_away)


def _may_transfer(agency: Agency, child: Child, said: ChildTransferred) -> None:
    """Whoever is responsible gives a child away, and nobody else. Raises WrongEvent."""
    if child.authority not in {agency.authority, said.to}:
        raise WrongEvent(Wrong.CONTENT, "subject", "a child of the agency's own authority")


async def _may_identify(uow: UnitOfWork, agency: Agency, said: ChildIdentified, *, unknown: bool) -> None:
    """Two cases become one for good: an agency joins one that was reported to its authority to a child of that authority, and makes no
    third of what it names wrongly. Raises WrongEvent.
    """
    if unknown:
        raise WrongEvent(
            Wrong.CONTENT, "subject", "the provisional id of a child that was reported to the agency's own authority"
        )
    named = select(children.c.id).where(children.c.id == said.child, children.c.authority == agency.authority)
    if await uow.connection.scalar(named) is None:
        raise WrongEvent(Wrong.CONTENT, "data.child", "our id of a child of the agency's own authority")


async def _marked(uow: UnitOfWork, agency: Agency, event: AgencyEvent, child: ChildId, now: datetime) -> ChildId | None:
    """None when this transaction holds the mark; else the answer given before. Two that race wait for each other here."""
    row = {
        "source": event.envelope.source,
        "message_id": event.envelope.id,
        "content_hash": event.content_hash,
        "child": child,
        "agency": agency.id,
        "at": now,
    }
    written = await uow.connection.execute(
        insert(accepted).values(row).on_conflict_do_nothing().returning(accepted.c.child)
    )
    if written.first() is not None:
        return None
    return await _answer_before(uow, event)


async def _answer_before(uow: UnitOfWork, event: AgencyEvent) -> ChildId:
    rows = await uow.connection.execute(
        select(accepted.c.content_hash, accepted.c.child).where(
            accepted.c.source == event.envelope.source, accepted.c.message_id == event.envelope.id
        )
    )
    known: RowMapping = rows.mappings().one()
    if known["content_hash"] != event.content_hash:
        raise OtherContent
    return str(known["child"])
