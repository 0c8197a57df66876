"""Keeps the episodes that each force was told of, and the time of its last list of open episodes."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Local, UnitOfWork
from services.police.policy import MEANINGS, MERGED, SEARCHED_FOR, EarlierEpisodes, ToldEpisode
from services.safeguarding.duty.duties import Duty, PoliceNotify
from services.safeguarding.identifiers import ChildId, ForceId

TOLD = """
    INSERT INTO police.episodes (force, episode, child, authority, exercise, state, told_at)
    VALUES (%(force)s, %(episode)s, %(child)s, %(authority)s, %(exercise)s, %(state)s, %(told_at)s)
    ON CONFLICT (force, episode) DO UPDATE SET state = excluded.state, told_at = excluded.told_at
"""
TOLD_OF_ANOTHER = """
    UPDATE police.episodes SET state = %(state)s, told_at = %(told_at)s FROM delivery.deliveries
    WHERE deliveries.id = %(refers_to)s AND episodes.force = %(force)s AND episodes.episode = deliveries.episode
        AND episodes.episode <> %(episode)s
"""
"""The notice that this one refers to named another episode, which has been merged into this one."""


def record_told(uow: UnitOfWork, duty: Duty, child: ChildId, *, exercise: bool) -> None:
    """Records the episode's state as this notice tells the force. `earlier_episodes` counts it in this transaction."""
    if duty.force is None or duty.episode is None:
        return
    state = MEANINGS.get(duty.wording, {}).get("state")
    row = {"force": duty.force, "episode": duty.episode, "told_at": duty.created_at}
    if state is not None:
        first = {"child": child, "authority": duty.authority, "exercise": exercise, "state": state}
        uow.write(TOLD, row | first)
    same_child = duty.same_child if isinstance(duty, PoliceNotify) else None
    for other in (duty.refers_to, same_child):
        if other is not None:
            merged = MERGED if state in {None, *SEARCHED_FOR} else state
            uow.write(TOLD_OF_ANOTHER, row | {"refers_to": other, "state": merged})


EARLIER_EPISODES = """
    WITH not_chased AS (
        SELECT FROM police.episodes
        WHERE force = %(force)s AND episode = %(episode)s::uuid AND NOT gaps_chased FOR UPDATE
    )
    SELECT count(DISTINCT episode) AS number, max(told_at) AS last_told_at, EXISTS (SELECT FROM not_chased) AS may_chase_gaps
    FROM police.episodes
    WHERE child = %(child)s AND NOT exercise AND episode IS DISTINCT FROM %(episode)s::uuid
"""
GAPS_CHASED = "UPDATE police.episodes SET gaps_chased = true WHERE force = %(force)s AND episode = %(episode)s"
CHASED: Local[set[tuple[ForceId, UUID]]] = Local(set)


def earlier_episodes(force: ForceId, child: ChildId, episode: UUID | None) -> Query[EarlierEpisodes]:
    """The child's episodes that any force was told of, other than `episode`: a new force is not told "none".
    If the gaps of `episode` were never chased, its row stays locked until the transaction ends, so that no
    other process chases them either.
    """
    parameters = {"force": force, "child": child, "episode": episode}
    return Query(EARLIER_EPISODES, parameters, lambda rows: EarlierEpisodes(*rows[0]))


def start_chasing_gaps(uow: UnitOfWork, force: ForceId, episode: UUID) -> bool:
    """True once for an episode that `earlier_episodes` has locked in this transaction."""
    chased = uow.local(CHASED)
    if (force, episode) in chased:
        return False
    chased.add((force, episode))
    uow.write(GAPS_CHASED, {"force": force, "episode": episode})
    return True


CLOSED = "UPDATE police.episodes SET closed_at = %(at)s WHERE force = %(force)s AND episode = %(episode)s"
TOLD_EPISODES = """
    SELECT episode, child, authority, exercise, state, told_at FROM police.episodes
    WHERE force = %(force)s AND (state IN ('missing', 'located') OR episode = ANY(%(named)s::uuid[]))
"""
"""The states of SEARCHED_FOR, spelt out as in the index that serves them."""


def record_closed(uow: UnitOfWork, force: ForceId, episode: UUID, at: datetime) -> None:
    """The force has closed its record of the episode. `at` is story time."""
    uow.write(CLOSED, {"force": force, "episode": episode, "at": at})


def told_episodes(force: ForceId, named: Collection[UUID] = ()) -> Query[dict[UUID, ToldEpisode]]:
    """The episodes that this force was told of: those whose child is searched for, and those among `named`."""
    parameters = {"force": force, "named": list(named)}
    return Query(TOLD_EPISODES, parameters, lambda rows: {row.episode: ToldEpisode(*row) for row in rows})


LIST = """
    INSERT INTO police.open_lists (force, as_of) VALUES (%(force)s, %(as_of)s)
    ON CONFLICT (force) DO UPDATE SET as_of = excluded.as_of
    WHERE open_lists.as_of <= excluded.as_of RETURNING force
"""
LIST_TIMES = "SELECT as_of, asked_after_at FROM police.open_lists WHERE force = %(force)s"
SILENCE = """
    INSERT INTO police.open_lists (force, as_of, asked_after_at) VALUES (%(force)s, '1970-01-01 00:00Z', %(at)s)
    ON CONFLICT (force) DO UPDATE SET asked_after_at = excluded.asked_after_at
"""


def save_list(force: ForceId, as_of: datetime) -> Query[bool]:
    """False, and nothing is changed, if a list of a later time came before. `as_of` is story time."""
    return Query(LIST, {"force": force, "as_of": as_of}, bool)


ANSWER_ON_PAGE = """
    INSERT INTO inbox (source, message_id, content_hash, done_at)
    SELECT %(page)s::text, coalesce(max(message_id::int) + 1, 0)::text, %(said)s::bytea, %(now)s::timestamptz
    FROM inbox WHERE source = %(page)s::text
    HAVING (array_agg(content_hash ORDER BY message_id::int DESC))[1] IS DISTINCT FROM %(said)s::bytea
    RETURNING message_id
"""


ANSWERED = """
    SELECT min(done_at) AS at, source = %(page)s AS is_opened FROM inbox
    WHERE source IN (%(page)s::text, %(cover)s::text) GROUP BY source ORDER BY is_opened DESC LIMIT 1
"""


def answer_on_page(notice: UUID, said: bytes, now: datetime, *, unread: bool) -> Query[str | None]:
    """The number of what an officer has said on the page of this notice, which the caller has locked, or on its cover,
    `unread`. None for what was said last already: a page may be sent twice. Something else may lie between. `now` is
    wall time.
    """
    page = _cover_of(notice) if unread else _page_of(notice)
    return Query(ANSWER_ON_PAGE, {"page": page, "said": said, "now": now}, scalar)


def answered_on_page(notice: UUID) -> Query[tuple[datetime, bool] | None]:
    """When it was first answered there (wall time), and whether with the notice open. None: not there, or long ago."""
    asked = {"page": _page_of(notice), "cover": _cover_of(notice)}
    return Query(ANSWERED, asked, lambda rows: (rows[0].at, rows[0].is_opened) if rows else None)


def _page_of(notice: UUID) -> str:
    return f"/notices/{notice}"


def _cover_of(notice: UUID) -> str:
    return f"/notices/{notice}/cover"


def list_times(force: ForceId) -> Query[tuple[datetime | None, datetime | None]]:
    """The time of the force's last list, and the time at which its silence was last reported."""
    return Query(
        LIST_TIMES, {"force": force}, lambda rows: (rows[0].as_of, rows[0].asked_after_at) if rows else (None, None)
    )


def record_silence(uow: UnitOfWork, force: ForceId, at: datetime) -> None:
    """The force's silence has been reported. `at` is story time."""
    uow.write(SILENCE, {"force": force, "at": at})
