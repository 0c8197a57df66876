"""Keeps the read model, and notifies every console process of each change on commit, so that open pages follow."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from services.console.policy.record import DeadLetter, RecordedMessage
from services.platform.messages.envelope import Received, read
from services.platform.store.query import Query, Rows, bulk_insert, unnest_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.events import RuleDue, ToldOfEpisode
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import OVER, DutyChanged, EpisodeChanged, MessageDeadLettered
from services.safeguarding.duty.outcomes import StrategyDiscussionChanged
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.message import Message
from services.safeguarding.operators import AccountId

CHANGES = "console_changes"
"""The PostgreSQL channel of changes. A notification holds the child's id, and the authority's if there is one."""
NOTIFICATION = "child || ' ' || coalesce(content ->> 'authority', '')"
NOTIFICATION_OF_NOBODY = "' '"
MOST_EPISODES = 500
MOST_DUTIES = 500
MOST_ENTRIES = 2000

STATE = {
    "child": "text",
    "revision": "integer",
    "state": "text",
    "changed_at": "timestamptz",
    "exercise": "boolean",
    "content": "jsonb",
}
EPISODE = STATE | {"episode": "uuid", "opened_at": "timestamptz"}
DUTY = STATE | {"duty": "uuid", "episode": "uuid", "waits": "boolean"}
ENTRY = {
    "source": "text",
    "message_id": "text",
    "child": "text",
    "kind": "text",
    "at": "timestamptz",
    "heard_at": "timestamptz",
    "exercise": "boolean",
    "content": "jsonb",
}
LETTER = {
    "letter": "text",
    "service": "text",
    "origin": "text",
    "reason": "text",
    "original_kind": "text",
    "at": "timestamptz",
}

M = TypeVar("M", bound=Message)


def _insert(table: str, types: Mapping[str, str], notification: str, *, conflict: str = "") -> str:
    """Notifies of the rows that are new."""
    return bulk_insert(table, types, f"{conflict} RETURNING pg_notify('{CHANGES}', {notification})")


def _upsert_newest(table: str, key: str, types: Mapping[str, str]) -> str:
    """Keeps the highest revision of each key, even if several come at once, and notifies of rows that changed."""
    columns = ", ".join(types)
    changed = ", ".join(f"{name} = excluded.{name}" for name in types if name != key)
    return f"""
        INSERT INTO {table} AS known ({columns})
        SELECT DISTINCT ON ({key}) {columns} FROM {unnest_rows(types)} ORDER BY {key}, revision DESC
        ON CONFLICT ({key}) DO UPDATE SET {changed} WHERE known.revision < excluded.revision
        RETURNING pg_notify('{CHANGES}', {NOTIFICATION})
    """


# Built once: every message there is comes through here.
KEEP_EPISODE = _upsert_newest("episodes", "episode", EPISODE)
KEEP_DUTY = _upsert_newest("duties", "duty", DUTY)
KEEP_ENTRY = _insert("entries", ENTRY, NOTIFICATION)
KEEP_DEAD_LETTER = _insert("dead_letters", LETTER, NOTIFICATION_OF_NOBODY, conflict="ON CONFLICT DO NOTHING")


def keep_episode(uow: UnitOfWork, received: Received[EpisodeChanged]) -> None:
    """An older revision than the one known changes nothing."""
    content = received.content
    row = {"episode": content.episode, "opened_at": content.opened_at}
    uow.bulk_write(KEEP_EPISODE, _state(received, content) | row)


def keep_duties(uow: UnitOfWork, received: Received[Message], duties: Iterable[DutyChanged]) -> None:
    """As the message says that they stand. An older revision than the one known changes nothing."""
    for each in duties:
        row = {"duty": each.duty, "episode": each.episode, "waits": each.goes_on}
        uow.bulk_write(KEEP_DUTY, _state(received, each) | row)


def keep_entry(uow: UnitOfWork, received: Received[Message], heard_at: datetime) -> None:
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


def keep_dead_letter(uow: UnitOfWork, received: Received[MessageDeadLettered]) -> None:
    """Its reason and its origin. The message's own bytes stay on the bus."""
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


OF_AUTHORITY = "(%(authority)s::text IS NULL OR content ->> 'authority' = %(authority)s)"
OPEN_EPISODES = f"""
    SELECT child, changed_at, exercise, content FROM episodes
    WHERE state <> ALL(%(over)s::text[]) AND {OF_AUTHORITY} ORDER BY opened_at LIMIT {MOST_EPISODES}
"""
EPISODE_BY_ID = "SELECT child, changed_at, exercise, content FROM episodes WHERE episode = %(episode)s"
CHILD_OF_AUTHORITY = f"""
    SELECT child FROM episodes WHERE child = %(child)s AND {OF_AUTHORITY}
    UNION ALL SELECT child FROM duties WHERE child = %(child)s AND {OF_AUTHORITY} LIMIT 1
"""
DUTIES_OF_EPISODES = """
    SELECT child, changed_at, exercise, content FROM duties WHERE episode = ANY(%(episodes)s::uuid[])
"""
DUTY_BY_ID = "SELECT child, changed_at, exercise, content FROM duties WHERE duty = %(duty)s"
DUTIES_WITHOUT_EPISODE = f"""
    SELECT child, changed_at, exercise, content FROM duties
    WHERE episode IS NULL AND waits AND {OF_AUTHORITY} ORDER BY changed_at LIMIT {MOST_DUTIES}
"""
RULES_DUE = """
    SELECT deadline, child, due_at, envelope FROM deadlines.due
    WHERE child = ANY(%(children)s::text[]) AND fired_at IS NULL AND cancelled_at IS NULL
"""
ENTRIES = f"""
    SELECT message_id, child, kind, at, exercise, content FROM entries
    WHERE child = %(child)s ORDER BY at DESC, heard_at DESC LIMIT {MOST_ENTRIES}
"""
DISCUSSIONS = "SELECT content FROM entries WHERE child = %(child)s AND kind = %(kind)s"
ACT = "SELECT act FROM acts WHERE act = %(act)s"
CLAIM_ACT = """
    INSERT INTO acts (act, account, what, at) VALUES (%(act)s, %(account)s, %(what)s, %(at)s)
    ON CONFLICT DO NOTHING RETURNING act
"""
DEAD_LETTER = "SELECT letter FROM dead_letters WHERE letter = %(letter)s"
MARK_REDRIVEN = """
    UPDATE dead_letters SET redriven_at = %(at)s, redriven_by = %(account)s WHERE letter = %(letter)s
"""
DEAD_LETTERS = f"""
    SELECT letter, service, origin, reason, original_kind, at, redriven_at, redriven_by FROM dead_letters
    WHERE at > %(after)s ORDER BY at DESC LIMIT {MOST_DUTIES}
"""


def open_episodes(authority: AuthorityId | None = None) -> Query[list[RecordedMessage[EpisodeChanged]]]:
    """Of one authority, or of all: longest open first, `MOST_EPISODES` at most."""
    return Query(OPEN_EPISODES, {"over": [str(each) for each in OVER], "authority": authority}, _episodes)


def episode_by_id(episode: UUID | None) -> Query[RecordedMessage[EpisodeChanged] | None]:
    return Query(EPISODE_BY_ID, {"episode": episode}, lambda rows: next(iter(_episodes(rows)), None))


def is_of_authority(child: str, authority: AuthorityId) -> Query[bool]:
    """Whether any episode or duty of the child is the authority's."""
    return Query(CHILD_OF_AUTHORITY, {"child": child, "authority": authority}, bool)


def duties_of_episodes(episodes: Sequence[UUID]) -> Query[list[RecordedMessage[DutyChanged]]]:
    return Query(DUTIES_OF_EPISODES, {"episodes": list(episodes)}, _duties)


def duty_by_id(duty: UUID) -> Query[RecordedMessage[DutyChanged] | None]:
    return Query(DUTY_BY_ID, {"duty": duty}, lambda rows: next(iter(_duties(rows)), None))


def duties_without_episode(authority: AuthorityId | None = None) -> Query[list[RecordedMessage[DutyChanged]]]:
    """Unanswered duties that belong to no episode, such as a text that needs a human or a dead letter. Oldest first."""
    return Query(DUTIES_WITHOUT_EPISODE, {"authority": authority}, _duties)


def rules_due(children: Sequence[str]) -> Query[list[RecordedMessage[RuleDue]]]:
    """Rules that wait for their time, from the protocol's deadlines; `at` is when they are due."""

    def decode(rows: Rows) -> list[RecordedMessage[RuleDue]]:
        found = [(row.child, row.due_at, read(row.envelope)) for row in rows]
        return [
            RecordedMessage(received.id, child, due_at, received.exercise, received.content)
            for child, due_at, received in found
            if isinstance(received.content, RuleDue)
        ]

    return Query(RULES_DUE, {"children": list(children)}, decode)


def entries_of_child(child: str) -> Query[list[RecordedMessage[Message]]]:
    """Everything heard about the child, newest first, `MOST_ENTRIES` at most."""

    def decode(rows: Rows) -> list[RecordedMessage[Message]]:
        return [
            RecordedMessage(
                row.message_id, row.child, row.at, row.exercise, contracts()[row.kind].read_again(row.content)
            )
            for row in rows
        ]

    return Query(ENTRIES, {"child": child}, decode)


def newest_discussion(child: str, episode: UUID) -> Query[StrategyDiscussionChanged | None]:
    """The latest known state of the episode's newest strategy discussion."""

    def decode(rows: Rows) -> StrategyDiscussionChanged | None:
        discussions = (StrategyDiscussionChanged.read_again(row.content) for row in rows)
        of_episode = [each for each in discussions if each.episode == episode]
        return max(of_episode, key=lambda each: (each.discussion, each.sequence), default=None)

    return Query(DISCUSSIONS, {"child": child, "kind": StrategyDiscussionChanged.kind}, decode)


def held_acts(child: str, episode: UUID) -> Query[tuple[UUID, ...]]:
    """What operators said of the episode that waits to go out."""

    def decode(rows: Rows) -> tuple[UUID, ...]:
        found = ((row.deadline, read(row.envelope).content) for row in rows)
        return tuple(
            name for name, content in found if isinstance(content, ToldOfEpisode) and content.episode == episode
        )

    return Query(RULES_DUE, {"children": [child]}, decode)


def is_act_done(act: UUID) -> Query[bool]:
    return Query(ACT, {"act": act}, bool)


async def claim_act(uow: UnitOfWork, act: UUID, account: AccountId, what: str, at: datetime) -> bool:
    """False if the act was done before. The second of two that race for one act waits here. `at` is wall time."""
    return await uow.fetch(Query(CLAIM_ACT, {"act": act, "account": account, "what": what, "at": at}, bool))


def is_dead_letter(letter: str) -> Query[bool]:
    return Query(DEAD_LETTER, {"letter": letter}, bool)


def mark_redriven(uow: UnitOfWork, letter: str, account: AccountId, at: datetime) -> None:
    """Pages show the newest try. `at` is story time."""
    uow.write(MARK_REDRIVEN, {"letter": letter, "account": account, "at": at})


def dead_letters_after(after: datetime) -> Query[list[DeadLetter]]:
    return Query(DEAD_LETTERS, {"after": after}, lambda rows: [DeadLetter(*row) for row in rows])


def _state(received: Received[Message], content: EpisodeChanged | DutyChanged) -> dict[str, object]:
    return {
        "child": received.subject,
        "revision": content.revision,
        "state": content.state,
        "changed_at": received.time,
        "exercise": received.exercise,
        "content": content.model_dump_json(),
    }


def _episodes(rows: Rows) -> list[RecordedMessage[EpisodeChanged]]:
    return [_recorded(row, EpisodeChanged) for row in rows]


def _duties(rows: Rows) -> list[RecordedMessage[DutyChanged]]:
    return [_recorded(row, DutyChanged) for row in rows]


def _recorded(row: Any, contract: type[M]) -> RecordedMessage[M]:
    return RecordedMessage("", row.child, row.changed_at, row.exercise, contract.read_again(row.content))
