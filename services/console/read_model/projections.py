"""Keeps each message in the read model, and reads from it the list of open cases, and a child by what people call the
case.

When each contact was last reached, and when a message to them last failed, is learnt from the bus, in story time.
"""

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from services.console import metrics
from services.console.policy.directory import Contact
from services.console.policy.status import HOUSEKEEPING, MISSING_NOTICE, MOST_ASKED, CaseLine, DutyLine, RecordedMessage
from services.console.read_model import repository as read_model
from services.console.read_model.repository import all_recorded, recorded
from services.platform.messages.envelope import Received
from services.platform.register.words import hashes_by_key
from services.platform.runtime.clocks import Clocks
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, scalar, unnest_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import PoliceReferenceGiven, PoliceReferenceTexted
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import (
    OVER,
    DutyChanged,
    EpisodeChanged,
    MessageDeadLettered,
    MessageDecided,
    ReportTaken,
)
from services.safeguarding.duty.duties import DutyAcknowledged, DutyDelivered, DutyFailed, DutyOutcomes, parts_of
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, Scope
from services.safeguarding.message import Message
from services.safeguarding.roles import Role


class Found(NamedTuple):
    """A child that was looked for, with an episode of it, if it has one."""

    child: ChildId
    code: str | None
    authority: AuthorityId
    episode: RecordedMessage[EpisodeChanged] | None


HOUSEKEEPING_WORDINGS = [str(each) for each in HOUSEKEEPING]
MOST_CASES = 500
MOST_DUTIES = 500
MOST_FOUND = 100
OF_AUTHORITY = "(%(authorities)s::text[] IS NULL OR {}content ->> 'authority' = ANY(%(authorities)s::text[]))"
OPEN_CASES = f"""
    SELECT e.child, c.code, e.changed_at, e.exercise, e.content, d.*, r.passed_on
    FROM episodes e
    LEFT JOIN register.for_console c ON c.child = e.child AND c.authority = e.content ->> 'authority'
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE state <> 'cancelled') AS told,
               count(*) FILTER (WHERE state <> 'cancelled' AND NOT waits) AS reached,
               count(*) FILTER (WHERE waits) AS waiting, count(*) FILTER (WHERE late) AS overdue,
               min((content ->> 'next_step_at')::timestamptz) FILTER (WHERE waits) AS next_at,
               (array_agg(content ORDER BY late DESC, changed_at) FILTER (WHERE waits))[:{MOST_ASKED}] AS asked,
               array_agg(content) FILTER (WHERE content ->> 'wording' = '{MISSING_NOTICE}'
                   AND content #>> '{{steps,0,role}}' = '{Role.POLICE_CONTROL_ROOM}') AS notices
        FROM duties d WHERE d.episode = e.episode
    ) d
    CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM entries r WHERE r.child = e.child AND r.kind = '{PoliceReferenceTexted.kind}'
            AND r.at >= e.opened_at) AS passed_on
    ) r
    WHERE e.state <> ALL(%(over)s::text[]) AND {OF_AUTHORITY.format("e.")} ORDER BY e.opened_at LIMIT {MOST_CASES}
"""
DUTIES_BESIDE = f"""
    SELECT d.child, c.code, d.changed_at, d.exercise, d.content
    FROM duties d
    LEFT JOIN register.for_console c ON c.child = d.child AND c.authority = d.content ->> 'authority'
    WHERE d.episode IS NULL AND d.waits AND {OF_AUTHORITY.format("d.")}
    AND (d.content ->> 'wording' = ANY(%(wordings)s::text[])) = %(housekeeping)s
    ORDER BY d.changed_at LIMIT {MOST_DUTIES}
"""
HOUSEKEEPING_WAITS = f"""
    SELECT count(*) FROM duties WHERE episode IS NULL AND waits AND NOT exercise AND {OF_AUTHORITY.format("")}
    AND content ->> 'wording' = ANY(%(wordings)s::text[])
"""
NAMED = """
    SELECT child, authority FROM register.for_console WHERE code = upper(%(name)s) OR child = %(name)s
    UNION SELECT child, content ->> 'authority' FROM episodes WHERE reference = upper(%(name)s) OR child = %(name)s
    UNION SELECT child, content ->> 'authority' FROM duties WHERE child = %(name)s
"""
OF_AUTHORITY_NAMED = f"SELECT count(*) > 0 FROM ({NAMED}) named WHERE authority = ANY(%(authorities)s::text[])"
EPISODES = f"""
    SELECT child, changed_at, exercise, content FROM episodes
    WHERE child IN (SELECT child FROM ({NAMED}) named) ORDER BY opened_at DESC LIMIT {MOST_FOUND}
"""
THEIRS = "(%(authorities)s::text[] IS NULL OR authority = ANY(%(authorities)s::text[]))"
FOUND = f"""
    WITH named AS (
        SELECT * FROM register.for_console
        WHERE {THEIRS} AND (code = upper(%(name)s) OR child = ANY(%(children)s::text[]))
    ), found AS (
        SELECT episode FROM episodes WHERE reference = upper(%(name)s) OR opened_at >= %(day)s AND opened_at < %(next_day)s
            OR episode = ANY(%(episodes)s::uuid[]) OR child = ANY(%(children)s::text[])
            OR (content -> 'candidates' ?| %(candidates)s::text[] AND state NOT IN ('closed', 'retracted', 'merged'))
        UNION SELECT e.episode FROM named JOIN episodes e USING (child) WHERE e.content ->> 'authority' = named.authority
    )
    SELECT e.child, c.code, e.content ->> 'authority' AS authority, e.changed_at, e.exercise, e.content, e.opened_at
    FROM found JOIN episodes e USING (episode)
    LEFT JOIN register.for_console c ON c.child = e.child AND c.authority = e.content ->> 'authority'
    WHERE {OF_AUTHORITY.format("e.")}
    UNION ALL SELECT child, code, authority, NULL, NULL, NULL, NULL FROM named WHERE NOT EXISTS (
        SELECT FROM episodes e WHERE e.child = named.child AND e.content ->> 'authority' = named.authority)
    ORDER BY opened_at DESC NULLS LAST LIMIT {MOST_FOUND}
"""
WITH_REFERENCE = f"""
    SELECT e.content ->> 'episode' AS episode, e.child FROM register.references_for_duty_desk r
    JOIN entries e ON e.child = r.about AND e.content -> 'words' ? r.words
        AND e.kind IN ('{PoliceReferenceGiven.kind}', '{PoliceReferenceTexted.kind}')
    WHERE r.hash = ANY(%(hashes)s::bytea[]) AND {OF_AUTHORITY.format("e.")}
"""


SENT = f"""
    SELECT child, episode FROM delivery.codes_for_console WHERE code = upper(%(name)s) AND {THEIRS}
    UNION SELECT child, episode FROM delivery.codes_for_console WHERE delivery BETWEEN %(first)s AND %(last)s AND {THEIRS}
    UNION SELECT child, episode FROM episodes WHERE episode BETWEEN %(first)s AND %(last)s AND {OF_AUTHORITY.format("")}
"""
EIGHT_LETTERS = re.compile(r"[0-9A-Fa-f]{8}")
"""By these notices named a case before 0.5: the first of the episode's id, or of the notice's."""
NO_ID = UUID(int=0)


def cases_with_code(authorities: Scope, sought: str) -> Query[list[tuple[UUID | None, ChildId]]]:
    """What a code at the end of a text, or in an older notice to police, stood for."""
    first, last = NO_ID, NO_ID
    if EIGHT_LETTERS.fullmatch(sought):
        first, last = UUID(sought + "0" * 24), UUID(sought + "f" * 24)
    asked = {"authorities": authorities, "name": sought, "first": first, "last": last}
    return Query(SENT, asked, lambda rows: [(row.episode, row.child) for row in rows])


def open_cases(authorities: Scope) -> Query[list[CaseLine]]:
    """Of these authorities: longest open first, `MOST_CASES` at most."""
    asked = {"over": [str(each) for each in OVER], "authorities": authorities}
    return Query(OPEN_CASES, asked, lambda rows: [_case(row) for row in rows])


def duties_beside(authorities: Scope, *, housekeeping: bool) -> Query[list[DutyLine]]:
    """Unanswered duties that belong to no episode: housekeeping, or all others. Oldest first."""
    asked = {"authorities": authorities, "housekeeping": housekeeping, "wordings": HOUSEKEEPING_WORDINGS}
    return Query(DUTIES_BESIDE, asked, lambda rows: [DutyLine(recorded(row, DutyChanged), row.code) for row in rows])


def housekeeping_waits(authorities: Scope) -> Query[int]:
    """The number of duties of housekeeping that wait."""
    return Query(HOUSEKEEPING_WAITS, {"authorities": authorities, "wordings": HOUSEKEEPING_WORDINGS}, scalar)


def children_named(name: str) -> Query[list[tuple[ChildId, AuthorityId]]]:
    """The children of that name, each with every authority that has something of it. `name` is a code of the register,
    our reference of an episode, or the child's id.
    """
    return Query(NAMED, {"name": name}, lambda rows: [(row.child, row.authority) for row in rows])


def episodes_of_named(name: str) -> Query[list[RecordedMessage[EpisodeChanged]]]:
    """The episodes of these children, the newest first."""
    return Query(EPISODES, {"name": name}, all_recorded(EpisodeChanged))


def is_of_any(child: str, authorities: Sequence[AuthorityId]) -> Query[bool]:
    """Whether the child, or any episode or duty of it, is one of these authorities'."""
    return Query(OF_AUTHORITY_NAMED, {"name": child, "authorities": authorities}, scalar)


def find_cases(
    authorities: Scope,
    name: str,
    *,
    day: datetime | None = None,
    episodes: Collection[UUID] = (),
    children: Collection[ChildId] = (),
    candidates: Collection[ChildId] = (),
) -> Query[list[Found]]:
    """Children with their codes and episodes, over ones too; newest first. `day` begins at this moment, in the time of
    its own zone. Of a report without a name, one of `candidates` may be the child.
    """
    next_day = None if day is None else day + timedelta(days=1)
    found = {"episodes": list(episodes), "children": list(children), "candidates": list(candidates)}
    asked = {"authorities": authorities, "name": name, "day": day, "next_day": next_day} | found

    def decode(rows: Rows) -> list[Found]:
        return [
            Found(row.child, row.code, row.authority, recorded(row, EpisodeChanged) if row.content else None)
            for row in rows
        ]

    return Query(FOUND, asked, decode)


def cases_with_reference(authorities: Scope, keyring: Keyring, sought: str) -> Query[list[tuple[UUID | None, ChildId]]]:
    """The episodes for which police gave this reference, where one is named, and the children."""
    hashes = [each for by_key in hashes_by_key(keyring, sought) for each in by_key]
    return Query(
        WITH_REFERENCE,
        {"authorities": authorities, "hashes": hashes},
        lambda rows: [(UUID(row.episode) if row.episode else None, row.child) for row in rows],
    )


def _case(row: Any) -> CaseLine:
    return CaseLine(
        recorded(row, EpisodeChanged),
        row.code,
        row.told,
        row.reached,
        row.waiting,
        row.overdue,
        tuple(row.asked or ()),
        row.next_at,
        tuple(row.notices or ()),
        row.passed_on,
    )


SAYS_NOTHING_OF_THE_CONTACT = frozenset({"exercise", "nobody-in-role"})
"""Reasons for a failure."""

HEARD = {
    "person": "text",
    "reached_at": "timestamptz",
    "answered_at": "timestamptz",
    "failed_at": "timestamptz",
    "failure": "text",
}
KEEP = f"""
    INSERT INTO contacts ({", ".join(HEARD)})
    SELECT person, max(reached_at), max(answered_at), max(failed_at), (array_agg(failure ORDER BY failed_at DESC NULLS LAST))[1]
    FROM {unnest_rows(HEARD)} GROUP BY person ORDER BY person
    ON CONFLICT (person) DO UPDATE SET
        reached_at = greatest(contacts.reached_at, excluded.reached_at),
        answered_at = greatest(contacts.answered_at, excluded.answered_at),
        failed_at = greatest(contacts.failed_at, excluded.failed_at),
        failure = CASE WHEN excluded.failed_at > coalesce(contacts.failed_at, '-infinity') THEN excluded.failure ELSE contacts.failure END
"""
"""One statement for all, in the order of persons: two transactions wait for each other, and never in a circle."""
ALL = "SELECT person, reached_at, failed_at, failure, answered_at FROM contacts"


def record_outcome(uow: UnitOfWork, outcome: Message, at: datetime) -> None:
    """What it says of whom a message was for. Who acknowledges or declines one themselves is reached too."""
    match outcome:
        case DutyAcknowledged(by=person) if person is not None:
            _keep(uow, person, reached_at=at, answered_at=at)
        case DutyDelivered(person=person) | DutyFailed(person=person, reason="declined") if person is not None:
            _keep(uow, person, reached_at=at)
        case DutyFailed(person=person, reason=reason) if person and reason not in SAYS_NOTHING_OF_THE_CONTACT:
            _keep(uow, person, failed_at=at, failure=reason)


def _keep(uow: UnitOfWork, person: PersonId, **heard: object) -> None:
    uow.bulk_write(KEEP, dict.fromkeys(HEARD) | {"person": person} | heard)


def all_contacts() -> Query[dict[PersonId, Contact]]:
    return Query(
        ALL,
        {},
        lambda rows: {row.person: Contact(row.reached_at, row.failed_at, row.failure, row.answered_at) for row in rows},
    )


class Handlers:
    def __init__(self, clocks: Clocks) -> None:
        self._clocks = clocks

    def by_kind(self) -> dict[type[Message], Callable[[Received[Any], UnitOfWork], Awaitable[None]]]:
        """Every kind there is, so that a new one is on the timeline without a change here.

        Except `ReportTaken`, which is for carers: the report itself is on the timeline.
        """
        kinds = (each for each in contracts().values() if each is not ReportTaken)
        return dict.fromkeys(kinds, self.on_any) | {
            EpisodeChanged: self.on_episode_changed,
            MessageDecided: self.on_message_decided,
            DutyChanged: self.on_duty_changed,
            MessageDeadLettered: self.on_message_dead_lettered,
            **dict.fromkeys((DutyDelivered, DutyAcknowledged, DutyFailed, DutyOutcomes), self.on_outcomes),
        }

    async def on_any(self, received: Received[Message], uow: UnitOfWork) -> None:
        read_model.keep_entry(uow, received, self._clocks.wall())

    async def on_episode_changed(self, received: Received[EpisodeChanged], uow: UnitOfWork) -> None:
        read_model.keep_episode(uow, received)
        await self.on_any(received, uow)
        self._measure(received, uow)

    async def on_message_decided(self, received: Received[MessageDecided], uow: UnitOfWork) -> None:
        """Its verdicts are kept for the timeline, each duty in its newest state."""
        decided = received.content
        read_model.keep_duties(uow, received, decided.duties)
        if decided.verdicts:
            verdicts = replace(received, content=decided.model_copy(update={"duties": ()}))
            read_model.keep_entry(uow, verdicts, self._clocks.wall())
        if decided.duties:
            self._measure(received, uow)

    async def on_duty_changed(self, received: Received[DutyChanged], uow: UnitOfWork) -> None:
        """Keeps its newest state. It is no entry of the timeline: tellings and outcomes have messages of their own."""
        read_model.keep_duties(uow, received, (received.content,))
        self._measure(received, uow)

    async def on_message_dead_lettered(self, received: Received[MessageDeadLettered], uow: UnitOfWork) -> None:
        read_model.keep_dead_letter(uow, received)

    async def on_outcomes(
        self, received: Received[DutyDelivered | DutyAcknowledged | DutyFailed | DutyOutcomes], uow: UnitOfWork
    ) -> None:
        """Each also says whether somebody is reached."""
        await self.on_any(received, uow)
        for each in parts_of(received.content):
            record_outcome(uow, each, received.time)

    def _measure(self, received: Received[Message], uow: UnitOfWork) -> None:
        behind = (self._clocks.story() - received.time).total_seconds()
        uow.on_commit(lambda: metrics.BEHIND.observe(max(0.0, behind)))
