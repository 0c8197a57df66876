"""Reads what an authority has agreed to send to a force."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from services.platform.store.query import Query, Rows
from services.safeguarding.identifiers import AuthorityId, ForceId
from services.safeguarding.notice_fields import LEAST, NoticeField


@dataclass(frozen=True, slots=True)
class Sharing:
    """`fields` are the fields of a notice that the force may be sent. `basis`: the authority's words for why."""

    fields: AbstractSet[str]
    basis: str | None = None
    reference: str | None = None
    since: date | None = None
    is_agreed: bool = True


WHOLE = frozenset({*NoticeField, "sender", "child"})
"""With the parts that every force gets, whose gaps are chased too."""
NOT_AGREED = Sharing(LEAST, is_agreed=False)
"""Without an agreement police get what finds a child, and never silence."""
IN_FORCE = """
    SELECT fields, basis, reference, from_on FROM register.sharing_for_police
    WHERE authority = %(authority)s AND force = %(force)s AND from_on <= %(day)s
        AND (until_on IS NULL OR until_on >= %(day)s)
    ORDER BY from_on DESC LIMIT 1
"""


def sharing_on(day: date, authority: AuthorityId, force: ForceId) -> Query[Sharing]:
    """What the newest agreement in force on that day says; without one, `NOT_AGREED`."""

    def decode(rows: Rows) -> Sharing:
        if not rows:
            return NOT_AGREED
        return Sharing(frozenset(rows[0].fields or WHOLE), rows[0].basis, rows[0].reference, rows[0].from_on)

    return Query(IN_FORCE, {"authority": authority, "force": force, "day": day}, decode)
