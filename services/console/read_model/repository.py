"""The read model. What is kept tells every console's open pages of itself when its transaction commits."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Table, exists, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.console.policy.record import DeadLetter, Recorded
from services.console.read_model.tables import acts, dead_letters, duties, entries, episodes
from services.platform.messages.envelope import Received, read
from services.platform.store.query import DIALECT, bulk_insert, unnest_rows
from services.platform.store.tables import due
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import RuleDue
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import OVER, DutyChanged, EpisodeChanged, MessageDeadLettered
from services.safeguarding.duty.outcomes import StrategyDiscussionChanged
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.message import Message
from services.safeguarding.operators import AccountId

CHANGES = "console_changes"
"""The PostgreSQL channel on which a change is told: the child's id, and the authority's where the message names one."""
TOLD = "child || ' ' || coalesce(content ->> 'authority', '')"
OF_NOBODY = "' '"
MOST_EPISODES = 500
MOST_DUTIES = 500
MOST_ENTRIES = 2000

M = TypeVar("M", bound=Message)


def _types(table: Table, columns: Sequence[str] | None = None) -> dict[str, str]:
    return {each.name: each.type.compile(DIALECT) for each in table.columns if columns is None or each.name in columns}


def _once(table: Table, told: str, columns: Sequence[str] | None = None) -> str:
    """Says on the channel what it wrote: with the commit, and only where a row was written."""
    return bulk_insert(
        table.name, _types(table, columns), f"ON CONFLICT DO NOTHING RETURNING pg_notify('{CHANGES}', {told})"
    )


def _newest(table: Table) -> str:
    """The same, and a later revision takes the place of an earlier one, which may come with it."""
    [key] = [each.name for each in table.primary_key]
    types = _types(table)
    fresh = ", ".join(f"{name} = excluded.{name}" for name in types if name != key)
    return f"""
        INSERT INTO {table.name} AS known ({", ".join(types)})
        SELECT DISTINCT ON ({key}) {", ".join(types)} FROM {unnest_rows(types)} ORDER BY {key}, revision DESC
        ON CONFLICT ({key}) DO UPDATE SET {fresh} WHERE known.revision < excluded.revision
        RETURNING pg_notify('{CHANGES}', {TOLD})
    """


# Built once, and written with the commit: every message that there is comes through here.
KEEP_EPISODE = _newest(episodes)
KEEP_DUTY = _newest(duties)
KEEP_ENTRY = _once(entries, TOLD)
LETTER = ("letter", "service", "origin", "reason", "original_kind", "at")
KEEP_DEAD_LETTER = _once(dead_letters, OF_NOBODY, LETTER)


async def keep_episode(uow: UnitOfWork, received: Received[EpisodeChanged]) -> None:
    """An older revision than the one known changes nothing."""
    row = _standing(received) | {"episode": received.content.episode, "opened_at": received.content.opened_at}
    uow.bulk_write(KEEP_EPISODE, row)


async def keep_duty(uow: UnitOfWork, received: Received[DutyChanged], *, waits: bool) -> None:
    """An older revision than the one known changes nothing. `waits`: somebody has still to answer."""
    row = _standing(received) | {"duty": received.content.duty, "episode": received.content.episode, "waits": waits}
    uow.bulk_write(KEEP_DUTY, row)


async def keep_entry(uow: UnitOfWork, received: Received[Message], heard_at: datetime) -> None:
    row = {
        "source": received.source,
        "message_id": received.id,
        "child": received.subject,
        "kind": received.content.kind,
        "at": received.time,
        "heard_at": heard_at,
        "exercise": received.exercise,
        "content": received.content.model_dump_json(),
    }
    uow.bulk_write(KEEP_ENTRY, row)


async def keep_dead_letter(uow: UnitOfWork, received: Received[MessageDeadLettered]) -> None:
    """Its reason and where it came from. The message's own bytes stay on the bus."""
    letter = received.content
    row = {
        "letter": received.id,
        "service": letter.service,
        "origin": letter.origin,
        "reason": letter.reason,
        "original_kind": letter.original_kind,
        "at": received.time,
    }
    uow.bulk_write(KEEP_DEAD_LETTER, row)


async def open_episodes(
    connection: AsyncConnection, authority: AuthorityId | None = None
) -> list[Recorded[EpisodeChanged]]:
    """Longest open first, `MOST_EPISODES` at most; of one authority, or of all."""
    chosen = select(episodes).where(episodes.c.state.not_in(OVER), _of(episodes, authority))
    rows = await connection.execute(chosen.order_by(episodes.c.opened_at).limit(MOST_EPISODES))
    return [_recorded(row, EpisodeChanged) for row in rows.mappings()]


async def episode(connection: AsyncConnection, id_: UUID) -> Recorded[EpisodeChanged] | None:
    row = (await connection.execute(select(episodes).where(episodes.c.episode == id_))).mappings().first()
    return _recorded(row, EpisodeChanged) if row is not None else None


async def is_of(connection: AsyncConnection, child: str, authority: AuthorityId) -> bool:
    """Whether any episode or duty of the child is the authority's."""
    of_child = (exists().where(table.c.child == child, _of(table, authority)) for table in (episodes, duties))
    return bool(await connection.scalar(select(or_(*of_child))))


async def duties_of(connection: AsyncConnection, of: Sequence[UUID]) -> list[Recorded[DutyChanged]]:
    chosen = select(duties).where(duties.c.episode.in_(of))
    return [_recorded(row, DutyChanged) for row in (await connection.execute(chosen)).mappings()]


async def duty(connection: AsyncConnection, id_: UUID) -> Recorded[DutyChanged] | None:
    row = (await connection.execute(select(duties).where(duties.c.duty == id_))).mappings().first()
    return _recorded(row, DutyChanged) if row is not None else None


async def unanswered_elsewhere(
    connection: AsyncConnection, authority: AuthorityId | None = None
) -> list[Recorded[DutyChanged]]:
    """Duties of no episode that nobody has answered: a text that needs a human, a dead letter. Oldest first."""
    chosen = select(duties).where(duties.c.episode.is_(None), duties.c.waits, _of(duties, authority))
    rows = await connection.execute(chosen.order_by(duties.c.changed_at).limit(MOST_DUTIES))
    return [_recorded(row, DutyChanged) for row in rows.mappings()]


async def rules_due(connection: AsyncConnection, children: Sequence[str]) -> list[Recorded[RuleDue]]:
    """Rules that wait for their time, from the protocol's deadlines; `at` is when they are due."""
    chosen = select(due.c.child, due.c.due_at, due.c.envelope)
    waiting = chosen.where(due.c.child.in_(children), due.c.fired_at.is_(None), due.c.cancelled_at.is_(None))
    found = [(row.child, row.due_at, read(row.envelope)) for row in await connection.execute(waiting)]
    return [
        Recorded(received.id, child, due_at, received.exercise, received.content)
        for child, due_at, received in found
        if isinstance(received.content, RuleDue)
    ]


async def entries_of(connection: AsyncConnection, child: str) -> list[Recorded[Message]]:
    """Everything heard about the child, newest first, `MOST_ENTRIES` at most."""
    chosen = select(entries).where(entries.c.child == child)
    rows = await connection.execute(chosen.order_by(entries.c.at.desc(), entries.c.heard_at.desc()).limit(MOST_ENTRIES))
    return [
        Recorded(row["message_id"], row["child"], row["at"], row["exercise"], _content(row)) for row in rows.mappings()
    ]


async def newest_discussion(connection: AsyncConnection, child: str, episode: UUID) -> StrategyDiscussionChanged | None:
    """The episode's strategy discussion as it was last said to stand."""
    kind = StrategyDiscussionChanged.kind
    chosen = select(entries.c.content).where(entries.c.child == child, entries.c.kind == kind)
    rows = await connection.execute(chosen)
    said = [StrategyDiscussionChanged.read_again(content) for content in rows.scalars()]
    of_episode = [each for each in said if each.episode == episode]
    return max(of_episode, key=lambda each: (each.discussion, each.sequence), default=None)


async def acted_before(connection: AsyncConnection, act: UUID) -> bool:
    return await connection.scalar(select(acts.c.act).where(acts.c.act == act)) is not None


async def keep_act(uow: UnitOfWork, act: UUID, account: AccountId, what: str, at: datetime) -> bool:
    """False where it is kept already: two that race for one act wait for each other here. `at` is wall time."""
    row = {"act": act, "account": account, "what": what, "at": at}
    written = insert(acts).values(row).on_conflict_do_nothing().returning(acts.c.act)
    return await uow.connection.scalar(written) is not None


async def is_dead_letter(connection: AsyncConnection, letter: str) -> bool:
    found = select(dead_letters.c.letter).where(dead_letters.c.letter == letter)
    return await connection.scalar(found) is not None


async def redriven(uow: UnitOfWork, letter: str, account: AccountId, at: datetime) -> None:
    """The newest try is the one that is shown. `at` is story time."""
    changed = update(dead_letters).where(dead_letters.c.letter == letter)
    await uow.connection.execute(changed.values(redriven_at=at, redriven_by=account))


async def dead_letters_after(connection: AsyncConnection, after: datetime) -> list[DeadLetter]:
    chosen = select(dead_letters).where(dead_letters.c.at > after).order_by(dead_letters.c.at.desc()).limit(MOST_DUTIES)
    return [DeadLetter(*row) for row in await connection.execute(chosen)]


def _of(table: Table, authority: AuthorityId | None) -> ColumnElement[bool]:
    return true() if authority is None else table.c.content["authority"].astext == authority


def _standing(received: Received[EpisodeChanged] | Received[DutyChanged]) -> dict[str, object]:
    return {
        "child": received.subject,
        "revision": received.content.revision,
        "state": received.content.state,
        "changed_at": received.time,
        "exercise": received.exercise,
        "content": received.content.model_dump_json(),
    }


def _recorded(row: RowMapping, contract: type[M]) -> Recorded[M]:
    content = contract.read_again(row["content"])
    return Recorded("", row["child"], row["changed_at"], row["exercise"], content)


def _content(row: RowMapping) -> Message:
    return contracts()[row["kind"]].read_again(row["content"])
