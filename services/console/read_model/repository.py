"""Keeps the read model, and notifies every console process of each change on commit, so that open pages follow."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from services.console.policy.acts import ENDS_A_SEARCH, Held, SamePhone
from services.console.policy.status import DeadLetter, RecordedMessage, is_overdue
from services.platform.messages.envelope import Received, read
from services.platform.store.query import Query, Rows, all_rows, bulk_insert, unnest_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.child_events.events import PoliceReply, RuleDue, Told
from services.safeguarding.contracts import contracts
from services.safeguarding.duty.decisions import DutyChanged, EpisodeChanged, MessageDeadLettered
from services.safeguarding.duty.duties import StrategyDiscussionChanged
from services.safeguarding.identifiers import AuthorityId, ChildId, Scope, code_of, derived
from services.safeguarding.message import Message
from services.safeguarding.operators import AccountId

CHANGES = "console_changes"
"""The PostgreSQL channel of changes. A notification holds the child's id, and the authority's if there is one."""
NOTIFICATION = "child || ' ' || coalesce(content ->> 'authority', '')"
NOTIFICATION_OF_NOBODY = "' '"
MOST_LETTERS = 500
MOST_ENTRIES = 2000

STATE = {
    "child": "text",
    "revision": "integer",
    "state": "text",
    "changed_at": "timestamptz",
    "exercise": "boolean",
    "content": "jsonb",
}
EPISODE = STATE | {"episode": "uuid", "opened_at": "timestamptz", "reference": "text"}
DUTY = STATE | {"duty": "uuid", "episode": "uuid", "waits": "boolean", "late": "boolean"}
ENTRY = {
    "source": "text",
    "message_id": "text",
    "child": "text",
    "kind": "text",
    "at": "timestamptz",
    "heard_at": "timestamptz",
    "exercise": "boolean",
    "content": "jsonb",
    "identifies": "text",
}
LETTER = {
    "letter": "text",
    "service": "text",
    "origin": "text",
    "reason": "text",
    "original_kind": "text",
    "at": "timestamptz",
    "exercise": "boolean",
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
    row = {"episode": content.episode, "opened_at": content.opened_at, "reference": code_of(content.episode)}
    uow.bulk_write(KEEP_EPISODE, _state(received, content) | row)


def keep_duties(uow: UnitOfWork, received: Received[Message], duties: Iterable[DutyChanged]) -> None:
    """As the message says that they stand. An older revision than the one known changes nothing."""
    for each in duties:
        row = {"duty": each.duty, "episode": each.episode, "waits": each.goes_on, "late": is_overdue(each)}
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
        "identifies": received.content.child if isinstance(received.content, ChildIdentified) else None,
    }
    uow.bulk_write(KEEP_ENTRY, row)


def keep_dead_letter(uow: UnitOfWork, received: Received[MessageDeadLettered]) -> None:
    """Its reason and its origin. The message's own bytes stay on the bus."""
    row = received.content.model_dump(include=set(LETTER))
    uow.bulk_write(KEEP_DEAD_LETTER, row | {"letter": received.id, "at": received.time, "exercise": received.exercise})


EPISODE_BY_ID = "SELECT child, changed_at, exercise, content FROM episodes WHERE episode = %(episode)s"
DUTIES_OF_CASE = """
    SELECT child, changed_at, exercise, content FROM duties WHERE episode = %(episode)s
    UNION ALL SELECT child, changed_at, exercise, content FROM duties
    WHERE child = %(child)s AND episode IS NULL AND waits
"""
DUTY_BY_ID = "SELECT child, changed_at, exercise, content FROM duties WHERE duty = %(duty)s"
IDS_OF_CHILD = "SELECT %(child)s::text UNION SELECT child FROM entries WHERE identifies = %(child)s"
"""Its own, and those under which it was known before somebody said which child it is."""
WAITING = f"""
    SELECT deadline, child, due_at, envelope, acts.of_form, fired_at IS NOT NULL AS is_out FROM deadlines.due
    CROSS JOIN LATERAL (
        SELECT jsonb_object_agg(act, jsonb_build_array(what, account, name)) AS of_form
        FROM acts JOIN accounts USING (account) WHERE child = due.child AND at > now() - interval '1 day'
    ) acts
    WHERE child = ANY(ARRAY({IDS_OF_CHILD})) AND cancelled_at IS NULL AND (fired_at IS NULL OR fired_at > greatest(
        %(now)s - interval '30 seconds', (SELECT changed_at FROM episodes WHERE episode = %(episode)s)))
"""
"""An event that has gone out is found until the episode has changed because of it, and for 30 s at most."""
ENTRIES = f"""
    SELECT message_id, child, kind, at, exercise, content FROM entries
    WHERE child = ANY(ARRAY({IDS_OF_CHILD}))
    ORDER BY at DESC, heard_at DESC LIMIT {MOST_ENTRIES}
"""
ENTRIES_OF_SHIFTS = f"""
    SELECT message_id, child, kind, at, exercise, content FROM entries
    WHERE kind IN ('shift.handed-over.v1', 'shift.accepted.v1') AND at > %(after)s
    AND (%(authorities)s::text[] IS NULL OR content ->> 'authority' = ANY(%(authorities)s::text[]))
    ORDER BY at DESC LIMIT {MOST_ENTRIES}
"""
DISCUSSIONS = "SELECT content FROM entries WHERE child = %(child)s AND kind = %(kind)s"
TO_CORRECT = f"""
    SELECT message_id, child, kind, at, exercise, content FROM entries
    WHERE child = ANY(ARRAY({IDS_OF_CHILD})) AND (message_id = %(name)s OR kind = %(kind)s AND at >= %(since)s)
    ORDER BY at DESC, heard_at DESC LIMIT 1
"""
ACT = "SELECT act FROM acts WHERE act = %(act)s"
CLAIM_ACT = """
    INSERT INTO acts (act, account, what, at, child) VALUES (%(act)s, %(account)s, %(what)s, %(at)s, %(child)s)
    ON CONFLICT DO NOTHING RETURNING act
"""
ACTS_ABOUT = """
    SELECT what, max(at) AS at FROM acts WHERE child = %(child)s AND account = %(account)s AND at > %(after)s GROUP BY what
"""
DEAD_LETTER = "SELECT letter FROM dead_letters WHERE letter = %(letter)s"
MARK_REDRIVEN = "UPDATE dead_letters SET redriven_at = %(at)s, redriven_by = %(account)s WHERE letter = %(letter)s"
DEAD_LETTERS = f"""
    SELECT letter, service, origin, reason, original_kind, at, redriven_at, redriven_by, exercise FROM dead_letters
    WHERE at > %(after)s ORDER BY at DESC LIMIT {MOST_LETTERS}
"""


def episode_by_id(episode: UUID | None) -> Query[RecordedMessage[EpisodeChanged] | None]:
    return Query(EPISODE_BY_ID, {"episode": episode}, first_recorded(EpisodeChanged))


def duties_of_case(child: str, episode: UUID | None) -> Query[list[RecordedMessage[DutyChanged]]]:
    """All of the episode, and of the child's others those that wait."""
    return Query(DUTIES_OF_CASE, {"child": child, "episode": episode}, all_recorded(DutyChanged))


def duty_by_id(duty: UUID) -> Query[RecordedMessage[DutyChanged] | None]:
    return Query(DUTY_BY_ID, {"duty": duty}, first_recorded(DutyChanged))


class Waiting(NamedTuple):
    """What waits for its time: rules, `at` when they are due, and what operators recorded within the last minute. What
    ends a search stays until the episode shows it.
    """

    rules: list[RecordedMessage[RuleDue]]
    held: tuple[Held, ...]


def waiting(
    child: str, episode: UUID | None, now: datetime, sees: Callable[[AuthorityId | None], bool]
) -> Query[Waiting]:
    """Rules of any episode of the child; acts of this one, of none, or from before anybody knew which child it is.
    `sees` says whose acts: deadlines have no authority's wall, and the child may have been another's since.

    `now` is story time.
    """

    def decode(rows: Rows) -> Waiting:
        rules, held = [], []
        for row in rows:
            received = read(row.envelope)
            content, named = received.content, getattr(received.content, "episode", None)
            if isinstance(content, RuleDue) and not row.is_out:
                rules.append(RecordedMessage(received.id, row.child, row.due_at, received.exercise, content))
            elif isinstance(content, ENDS_A_SEARCH if row.is_out else (Told, PoliceReply)) and (
                (named in {None, episode} or row.child != child) and sees(getattr(content, "authority", None))
            ):
                acts = {message_of_act(UUID(each), content): UUID(each) for each in row.of_form or {}}
                act = acts.get(row.deadline)
                what, by, name = ("", None, "") if act is None else row.of_form[str(act)]
                held.append(Held(row.deadline, content, what, by, name, row.is_out, act))
        return Waiting(rules, tuple(held))

    return Query(WAITING, {"child": child, "episode": episode, "now": now}, decode)


def entries_of_child(child: str) -> Query[list[RecordedMessage[Message]]]:
    """All that was heard about the child, also while nobody knew which one; newest first, `MOST_ENTRIES` at most."""
    return Query(ENTRIES, {"child": child}, _entries)


def entries_of_shifts(authorities: Scope, after: datetime) -> Query[list[RecordedMessage[Any]]]:
    """Shifts handed over and accepted, newest first."""
    return Query(ENTRIES_OF_SHIFTS, {"authorities": authorities, "after": after}, _entries)


def newest_discussion(child: str, episode: UUID | None) -> Query[StrategyDiscussionChanged | None]:
    """The latest known state of the episode's newest strategy discussion."""

    def decode(rows: Rows) -> StrategyDiscussionChanged | None:
        discussions = (StrategyDiscussionChanged.read_again(row.content) for row in rows)
        of_episode = [each for each in discussions if each.episode == episode]
        return max(of_episode, key=lambda each: (each.discussion, each.sequence), default=None)

    return Query(DISCUSSIONS, {"child": child, "kind": StrategyDiscussionChanged.kind}, decode)


def event_to_correct(
    child: str, *, name: UUID | None = None, kind: type[Message] | None = None, since: datetime | None = None
) -> Query[RecordedMessage[Message] | None]:
    """The one of this name, or the newest of this kind since then."""
    asked = {"child": child, "name": str(name), "kind": None if kind is None else kind.kind, "since": since}
    return Query(TO_CORRECT, asked, lambda rows: next(iter(_entries(rows)), None))


SAME_PHONE = """
    SELECT o.child, c.code, e.at - (e.content ->> 'same_phone_at')::timestamptz AS earlier
    FROM entries e
    JOIN episodes o ON o.child = e.content ->> 'same_phone' AND o.state IN ('missing', 'located') AND o.exercise = e.exercise
        AND o.content ->> 'authority' = e.content ->> 'authority'
    LEFT JOIN register.for_console c ON c.child = o.child AND c.authority = e.content ->> 'authority'
    WHERE e.child = %(child)s AND e.kind = 'child.provisional.v1'
    AND NOT EXISTS (SELECT FROM acts WHERE acts.child = e.child AND what = 'kept-apart')
    AND NOT EXISTS (SELECT FROM entries s WHERE s.child = e.child AND s.kind = 'operator.acted.v1'
        AND s.content ->> 'act' = 'kept-apart')
    ORDER BY e.at DESC LIMIT 1
"""


def same_phone(child: str) -> Query[SamePhone | None]:
    """Whom else the phone of this report without a name texted about, if that child is sought now."""
    return Query(SAME_PHONE, {"child": child}, lambda rows: SamePhone(*rows[0]) if rows else None)


def is_act_done(act: UUID) -> Query[bool]:
    return Query(ACT, {"act": act}, bool)


def message_of_act(act: UUID, message: Message) -> UUID:
    """The id of what an act says. `act` is its form's."""
    return derived("act", str(act), message.kind)


async def claim_act(
    uow: UnitOfWork, act: UUID, account: AccountId, what: str, at: datetime, child: str | None = None
) -> bool:
    """False if the act was done before. The second of two that race for one act waits here. `at` is wall time."""
    row = {"act": act, "account": account, "what": what, "at": at, "child": child}
    return await uow.fetch(Query(CLAIM_ACT, row, bool))


def acts_about(child: str, account: AccountId, after: datetime) -> Query[dict[str, datetime]]:
    """When the account last did each act about the child. Wall time."""
    row = {"child": child, "account": account, "after": after}
    return Query(ACTS_ABOUT, row, lambda rows: {row.what: row.at for row in rows})


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


def _entries(rows: Rows) -> list[RecordedMessage[Any]]:
    return [
        RecordedMessage(row.message_id, row.child, row.at, row.exercise, contracts()[row.kind].read_again(row.content))
        for row in rows
    ]


def recorded(row: Any, contract: type[M]) -> RecordedMessage[M]:
    """The message of a row of `episodes` or `duties`."""
    return RecordedMessage("", row.child, row.changed_at, row.exercise, contract.read_again(row.content))


def all_recorded(contract: type[M]) -> Callable[[Rows], list[RecordedMessage[M]]]:
    return lambda rows: [recorded(row, contract) for row in rows]


def first_recorded(contract: type[M]) -> Callable[[Rows], RecordedMessage[M] | None]:
    return lambda rows: recorded(rows[0], contract) if rows else None


HOLDS_OF_CHILD = """
    SELECT * FROM disposal.holds WHERE ended_at IS NULL AND (child = %(child)s
        OR child IS NULL AND authority = (SELECT authority FROM register.for_console WHERE child = %(child)s))
"""


def holds_of_child(child: ChildId) -> Query[Rows]:
    return Query(HOLDS_OF_CHILD, {"child": child}, all_rows)
