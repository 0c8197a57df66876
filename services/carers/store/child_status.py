"""Keeps the status of children: as the protocol said last, or as a text of ours has said since. All times are story
time.

Everything here is written with the commit.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from services.carers.policy.context import PoliceStand, Standing
from services.platform.register.conversation import CHILDREN, codes_of
from services.platform.store.query import Query, Rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.duty.decisions import OVER, EpisodeChanged
from services.safeguarding.identifiers import ChildId

STATUS = """
    SELECT child, state, changed_at, police, duty_answered, said, said_at, episode, ends_on_word,
        referred_at >= coalesce(opened_at, referred_at) AS referred FROM standings WHERE child
"""
OF_CHILD = f"{STATUS} = %(child)s"
OF_THESE = f"{STATUS} = ANY(%(children)s)"
# An array's children are looked up in the index. With IN all rows are read, and there are only ever more.
OF_NUMBER = f"""{STATUS} = ANY(ARRAY({CHILDREN} UNION ALL
    SELECT provisional FROM provisionals
    WHERE number_hash = ANY(%(numbers)s::bytea[]) AND ended_at IS NULL AND reported_at > %(since)s))
"""  # noqa: S608 these modules' own words


def status_of_child(child: ChildId) -> Query[Standing]:
    return Query(OF_CHILD, {"child": child}, lambda rows: _by_child(rows).get(child) or Standing())


def status_of(children: Collection[ChildId]) -> Query[dict[ChildId, Standing]]:
    return Query(OF_THESE, {"children": list(children)}, _by_child)


def status_of_children(
    numbers: Sequence[bytes], digits: Sequence[str], *, since: datetime
) -> Query[dict[ChildId, Standing]]:
    """All children about whom the number (its hashes) may text, and its own reports without a name, made `since`.
    `digits` adds children that duty staff name by code.
    """
    return Query(OF_NUMBER, {"numbers": list(numbers), "codes": codes_of(digits), "since": since}, _by_child)


def _by_child(rows: Rows) -> dict[ChildId, Standing]:
    """A text counts until the protocol changes the status: a report may have opened an episode unknown to us yet."""
    found: dict[ChildId, Standing] = {}
    for row in rows:
        said_since = row.said_at is not None and (row.changed_at is None or row.said_at > row.changed_at)
        afresh = said_since and row.state not in {"missing", "located"}
        found[row.child] = Standing(
            state=row.said if said_since else row.state,
            police=PoliceStand.NOT_YET if afresh else PoliceStand(row.police),
            duty_answered=row.duty_answered and not afresh,
            episode=None if afresh and row.said == "missing" else row.episode,
            ends_on_word=row.ends_on_word,
            referred=bool(row.referred) and not afresh,
        )
    return found


SAID = """
    INSERT INTO standings (child, revision, police, duty_answered, said, said_at)
    VALUES (%(child)s, 0, 'not-yet', false, %(said)s, %(at)s)
    ON CONFLICT (child) DO UPDATE SET said = excluded.said, said_at = excluded.said_at
    WHERE standings.said_at IS NULL OR standings.said_at <= excluded.said_at
"""


def record_text(uow: UnitOfWork, child: ChildId, state: str | None, at: datetime) -> None:
    """`state` is what a text has said of the child."""
    uow.write(SAID, {"child": child, "said": state, "at": at})


REFERRED = "UPDATE standings SET referred_at = %(at)s WHERE child = %(child)s"


def record_reference(uow: UnitOfWork, child: ChildId, at: datetime) -> None:
    """Somebody has texted the reference that 101 gave."""
    uow.write(REFERRED, {"child": child, "at": at})


EPISODE_CHANGED = """
    INSERT INTO standings AS kept (child, episode, opened_at, revision, state, changed_at, police, duty_answered, ends_on_word)
    VALUES (%(child)s, %(episode)s, %(opened_at)s, %(revision)s, %(state)s, %(at)s, 'not-yet', false, %(ends_on_word)s)
    ON CONFLICT (child) DO UPDATE SET
        episode = excluded.episode, opened_at = excluded.opened_at, revision = excluded.revision,
        state = excluded.state, changed_at = excluded.changed_at, ends_on_word = excluded.ends_on_word,
        police = CASE WHEN kept.episode = excluded.episode THEN kept.police ELSE 'not-yet' END,
        duty_answered = CASE WHEN kept.episode = excluded.episode THEN kept.duty_answered ELSE false END
    WHERE CASE WHEN kept.episode = excluded.episode THEN kept.revision < excluded.revision
        ELSE kept.opened_at IS NULL OR kept.opened_at < excluded.opened_at END
"""


def record_episode(uow: UnitOfWork, child: ChildId, changed: EpisodeChanged, at: datetime) -> None:
    """Of two episodes the one opened later counts; of one episode the later revision."""
    row = {
        "child": child,
        "episode": changed.episode,
        "opened_at": changed.opened_at,
        "revision": changed.revision,
        "state": None if changed.state in OVER else changed.state,
        "ends_on_word": changed.ends_on_word,
        "at": at,
    }
    uow.write(EPISODE_CHANGED, row)


POLICE = """
    UPDATE standings SET police = %(police)s
    WHERE child = %(child)s AND episode = %(episode)s AND (police = 'not-yet' OR %(police)s = 'answered')
"""


def record_police(uow: UnitOfWork, child: ChildId, episode: UUID, police: PoliceStand) -> None:
    """Only ever forward: an officer's answer stays, although a later notice was merely taken."""
    uow.write(POLICE, {"child": child, "episode": episode, "police": police})


DUTY_ANSWERED = "UPDATE standings SET duty_answered = %(answered)s WHERE child = %(child)s AND episode = %(episode)s"


def record_duty_answer(uow: UnitOfWork, child: ChildId, episode: UUID, *, answered: bool) -> None:
    """False where the person who had taken it has not done it in time, and is asked again."""
    uow.write(DUTY_ANSWERED, {"child": child, "episode": episode, "answered": answered})
