"""How children stand: as the protocol last said, or as a text of ours has said since. All times are story time.

Asked with what else a text is read by, and written with the commit.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.platform.register.conversation import CHILDREN, CODED
from services.platform.store.query import Statement
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import ChildId


@dataclass(frozen=True, slots=True)
class ChildStatus:
    """`state` is None where no episode is known, or where it is over."""

    state: str | None
    police: str
    duty_answered: bool
    episode: UUID | None
    """None where none is known, or where what was texted since may have opened another."""
    ends_on_word: bool = False


OF = """
    SELECT child, state, changed_at, police, duty_answered, said, said_at, episode, ends_on_word FROM standings WHERE child = ANY(%(children)s::text[])
"""
OF_NUMBER = f"""
    SELECT child, state, changed_at, police, duty_answered, said, said_at, episode, ends_on_word FROM standings WHERE child IN ({CHILDREN})
"""  # noqa: S608 the register's own words


def of(children: Iterable[ChildId]) -> Statement:
    """Its rows are read by `stood`."""
    return OF, {"children": list(children)}


def of_number(numbers: Sequence[bytes]) -> Statement:
    """Of all children about whom the number (under each phone key) may text."""
    return OF_NUMBER, {"numbers": list(numbers)}


OF_CODED = f"""
    SELECT child, state, changed_at, police, duty_answered, said, said_at, episode, ends_on_word FROM standings WHERE child IN ({CODED})
"""  # noqa: S608 the register's own words


def of_coded(numbers: Sequence[bytes], said: Sequence[str]) -> Statement:
    """Of the children whom the number's duty staff may name by a code of these digits."""
    return OF_CODED, {"numbers": list(numbers), "said": list(said)}


def stood(rows: Iterable[tuple[Any, ...]]) -> dict[ChildId, ChildStatus]:
    """What was texted counts until the protocol's own word, which is later."""
    found: dict[ChildId, ChildStatus] = {}
    for child, state, changed_at, police, duty_answered, said, said_at, episode, ends_on_word in rows:
        said_since = said_at is not None and (changed_at is None or said_at > changed_at)
        afresh = said_since and state not in {"missing", "located"}
        found[child] = ChildStatus(
            said if said_since else state,
            "not-yet" if afresh else police,
            duty_answered and not afresh,
            None if afresh and said == "missing" else episode,
            ends_on_word,
        )
    return found


SAID = """
    INSERT INTO standings (child, revision, police, duty_answered, said, said_at)
    VALUES (%(child)s, 0, 'not-yet', false, %(said)s, %(at)s)
    ON CONFLICT (child) DO UPDATE SET said = excluded.said, said_at = excluded.said_at
"""


def said(uow: UnitOfWork, child: ChildId, state: str | None, at: datetime) -> None:
    uow.write(SAID, {"child": child, "said": state, "at": at})


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


def episode_changed(
    uow: UnitOfWork,
    child: ChildId,
    episode: UUID,
    *,
    opened_at: datetime,
    revision: int,
    state: str | None,
    at: datetime,
    ends_on_word: bool = False,
) -> None:
    """Of two episodes the one opened later counts; of one episode the later revision."""
    row = {"episode": episode, "opened_at": opened_at, "revision": revision, "state": state, "at": at}
    row["ends_on_word"] = ends_on_word
    uow.write(EPISODE_CHANGED, {"child": child, **row})


POLICE_STAND = """
    UPDATE standings SET police = %(police)s
    WHERE child = %(child)s AND episode = %(episode)s AND police = ANY(%(worse)s::text[])
"""


def police_stand(uow: UnitOfWork, child: ChildId, episode: UUID, police: str) -> None:
    """Only ever forward: an officer who has it is not forgotten because a later telling was merely taken."""
    worse = {"have-it": ["not-yet"], "answered": ["not-yet", "have-it"]}[police]
    uow.write(POLICE_STAND, {"child": child, "episode": episode, "police": police, "worse": worse})


DUTY_ANSWERED = "UPDATE standings SET duty_answered = %(answered)s WHERE child = %(child)s AND episode = %(episode)s"


def duty_answered(uow: UnitOfWork, child: ChildId, episode: UUID, *, answered: bool) -> None:
    """False where whoever had it has not done it in time, and is asked again."""
    uow.write(DUTY_ANSWERED, {"child": child, "episode": episode, "answered": answered})
