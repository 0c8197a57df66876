"""Reads what is held, and what is asked to be erased; and the child or person that somebody names."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.platform.store.query import Query, Rows, all_rows
from services.safeguarding.identifiers import AuthorityId, ChildId, WordsId
from services.safeguarding.operators import AccountId

MOST = 100
HOLDS = f"""
    SELECT h.*, c.code, e.reference FROM disposal.holds h LEFT JOIN register.for_console c ON c.child = h.child
    LEFT JOIN console.episodes e ON e.episode = h.episode
    ORDER BY h.ended_at IS NOT NULL, h.made_at DESC LIMIT {MOST}
"""  # noqa: S608 this module's own words
HOLDS_OF_CHILD = """
    SELECT * FROM disposal.holds WHERE ended_at IS NULL AND (child = %(child)s
        OR child IS NULL AND authority = (SELECT authority FROM register.for_console WHERE child = %(child)s))
"""
ERASURES = f"""
    SELECT r.*, c.code, p.reference AS person, r.approved_at IS NULL AND r.withdrawn_at IS NULL AS waits
    FROM disposal.erasures r LEFT JOIN register.for_console c ON c.child = r.owner LEFT JOIN register.people p ON p.id = r.owner
    ORDER BY waits DESC, r.asked_at DESC LIMIT {MOST}
"""  # noqa: S608 this module's own words
ERASURE = "SELECT authority, owner FROM disposal.erasures WHERE id = %(id)s"
NAMED = """
    SELECT * FROM (
        SELECT authority, child AS owner, NULL::uuid AS episode FROM register.for_console WHERE upper(code) = upper(%(name)s)
        UNION SELECT c.authority, c.child, e.episode FROM console.episodes e JOIN register.for_console c USING (child)
        WHERE e.reference = upper(%(name)s)
        UNION SELECT authority, id, NULL FROM register.people WHERE reference = %(name)s
        UNION SELECT id, NULL, NULL FROM register.authorities WHERE %(name)s = ''
    ) AS known WHERE authority = %(authority)s
"""
MAKE = """
    INSERT INTO disposal.holds (id, authority, child, episode, reason, made_by, made_at)
    VALUES (%(id)s, %(authority)s, %(child)s, %(episode)s, %(reason)s, %(by)s, %(at)s)
"""
END = """
    UPDATE disposal.holds SET ended_by = %(by)s, ended_at = %(at)s WHERE id = %(id)s AND ended_at IS NULL
    RETURNING authority, child, episode
"""
WITHDRAW = """
    UPDATE disposal.erasures SET withdrawn_by = %(by)s, withdrawn_at = %(at)s
    WHERE id = %(id)s AND approved_at IS NULL AND withdrawn_at IS NULL RETURNING authority, owner
"""


class Named(NamedTuple):
    """Whom somebody means: a child, a person, or an authority as a whole (`owner` is None)."""

    authority: AuthorityId
    owner: str | None
    episode: UUID | None = None


def holds() -> Query[Rows]:
    """Of whoever asks: the database shows them their authorities alone. So it is with erasures."""
    return Query(HOLDS, {}, all_rows)


def holds_of_child(child: ChildId) -> Query[Rows]:
    return Query(HOLDS_OF_CHILD, {"child": child}, all_rows)


def erasures() -> Query[Rows]:
    return Query(ERASURES, {}, all_rows)


def owner_to_erase(id_: UUID) -> Query[Named | None]:
    return Query(ERASURE, {"id": id_}, _first)


def named(name: str, authority: AuthorityId) -> Query[Named | None]:
    """By the code of a child, our reference of a search, or the reference of a person in the authority's register;
    without a name the authority. None: nobody goes by it there, or more than one does.
    """
    asked = {"name": name, "authority": authority}
    return Query(NAMED, asked, lambda rows: Named(*rows[0]) if len(rows) == 1 else None)


def make_hold(id_: UUID, whom: Named, reason: Sequence[WordsId], by: AccountId, at: datetime) -> Query[Rows]:
    """`at` is wall time, here and below."""
    row = {"id": id_, "authority": whom.authority, "child": whom.owner, "episode": whom.episode}
    return Query(MAKE, row | {"reason": reason[0], "by": by, "at": at}, all_rows)


def end_hold(id_: UUID, by: AccountId, at: datetime) -> Query[Named | None]:
    """None if it has ended already, or is not theirs."""
    return Query(END, {"id": id_, "by": by, "at": at}, _first)


def withdraw_erasure(id_: UUID, by: AccountId, at: datetime) -> Query[Named | None]:
    return Query(WITHDRAW, {"id": id_, "by": by, "at": at}, _first)


def _first(rows: Rows) -> Named | None:
    return Named(*rows[0]) if rows else None
