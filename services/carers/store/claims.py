"""Keeps the claims of a number that would end a search, and the codes that confirm them. All times are story time.

Everything but `prolong` is written with the commit.
"""

import secrets
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from services.carers.policy.context import ClaimKind, OpenClaim
from services.carers.policy.decision import Claim
from services.carers.understanding import replies
from services.platform.store.query import Query, Rows, all_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import CODE_ALPHABET, ChildId

CONFIRM_WITHIN = timedelta(minutes=10)
REMEMBERED = timedelta(days=1)
"""For as long an old code is told from one that was never ours."""
SETTLED_AFTER = timedelta(minutes=5)
WRONG_CODES_IN = timedelta(hours=1)

OPEN = "confirmed_at IS NULL AND ended_at IS NULL"
OWN = "number_hash = ANY(%(numbers)s::bytea[]) AND claimed_at > %(since)s"
HELD = f"""
    SELECT FROM claims WHERE subject = ANY({{children}}) AND {OPEN} ORDER BY subject, number_hash, code FOR UPDATE
"""
"""By child, as messages are handled. Who says that a child is still missing ends everybody's claims: of two who say so
at once, each would else hold the claim that the other waits for.
"""
OF_SAME_CHILDREN = HELD.format(children=f"ARRAY(SELECT subject FROM claims WHERE {OWN})")  # noqa: S608 as above
OF_CHILD = HELD.format(children="ARRAY[%(subject)s]")
FIRST = "(SELECT count(*) FROM held) >= 0"
"""Has the rows of `held` locked before any other."""
OF_NUMBER = f"""
    WITH held AS ({OF_SAME_CHILDREN})
    SELECT kind, code, subject, authority, person, episode, expires_at, confirmed_at, ended_at, wrong_codes, claimed_at
    FROM claims WHERE {FIRST} AND {OWN} ORDER BY claimed_at DESC, code, subject FOR UPDATE
"""  # noqa: S608 as above
"""Who says meanwhile that the child is still missing ends them before, or after, and not between."""


@dataclass(frozen=True, slots=True)
class Claims:
    claims: tuple[OpenClaim, ...]
    """Of the last day, the newest first."""
    wrong_codes: int
    """How many came within the last hour."""


def claims_of_number(number_hash: bytes, at: datetime) -> Query[Claims]:
    def decode(rows: Rows) -> Claims:
        wrong = {row.code: row.wrong_codes for row in rows if row.claimed_at > at - WRONG_CODES_IN}
        return Claims(tuple(_open_claim(row, at) for row in rows), sum(wrong.values()))

    return Query(OF_NUMBER, {"numbers": [number_hash], "since": at - REMEMBERED}, decode)


OF_OTHERS = f"""
    SELECT DISTINCT subject FROM claims WHERE subject = ANY(%(children)s) AND kind = 'return' AND {OPEN}
    AND expires_at > %(at)s AND NOT number_hash = ANY(%(numbers)s::bytea[])
"""  # noqa: S608 as above


def claimed_by_others(
    children: Collection[ChildId], numbers: Collection[bytes], at: datetime
) -> Query[frozenset[ChildId]]:
    """Those of the children of whom another number says that they are back, by a code that counts."""
    asked = {"children": list(children), "numbers": list(numbers), "at": at}
    return Query(OF_OTHERS, asked, lambda rows: frozenset(row.subject for row in rows))


def _open_claim(row: Any, at: datetime) -> OpenClaim:
    confirmed = row.confirmed_at is not None
    live = not confirmed and row.ended_at is None and at < row.expires_at
    settled = confirmed and at - row.confirmed_at > SETTLED_AFTER
    denied = not confirmed and row.ended_at is not None
    return OpenClaim(
        row.kind, row.code, row.subject, row.authority, live, confirmed, row.person, row.episode, settled, denied
    )


CLAIM = """
    INSERT INTO claims (number_hash, code, subject, kind, authority, person, episode, claimed_at, expires_at, wrong_codes)
    VALUES (%(number_hash)s, %(code)s, %(subject)s, %(kind)s, %(authority)s, %(person)s, %(episode)s, %(at)s, %(expires_at)s, 0)
    ON CONFLICT (number_hash, code, subject) DO UPDATE SET expires_at = excluded.expires_at
"""


def keep(uow: UnitOfWork, number_hash: bytes, claim: Claim, code: str, at: datetime, now: datetime) -> None:
    """`code` is the one that is texted. A repeated claim keeps a code that still counts, for ten more minutes. They run
    from `now`: the text may have come long before.
    """
    for each in claim.about:
        row = {"number_hash": number_hash, "code": code, "kind": claim.kind, "at": at}
        uow.write(CLAIM, asdict(each) | row | {"expires_at": now + CONFIRM_WITHIN})


CONFIRM = """
    UPDATE claims SET confirmed_at = %(at)s
    WHERE number_hash = %(number_hash)s AND code = %(code)s AND subject = %(subject)s AND confirmed_at IS NULL AND ended_at IS NULL
"""


def confirm(uow: UnitOfWork, number_hash: bytes, claim: OpenClaim, at: datetime) -> None:
    row = {"number_hash": number_hash, "code": claim.code, "subject": claim.subject, "at": at}
    uow.write(CONFIRM, row)


END = f"""
    WITH held AS ({OF_CHILD})
    UPDATE claims SET ended_at = %(at)s WHERE {FIRST} AND subject = %(subject)s AND {OPEN}
"""  # noqa: S608 as above


def end_all(uow: UnitOfWork, child: ChildId, at: datetime) -> None:
    """For a child who is said to be missing again: no code confirms anybody's earlier claim any more."""
    uow.write(END, {"subject": child, "at": at})


WRONG_CODE = """
    UPDATE claims SET wrong_codes = wrong_codes + 1
    WHERE number_hash = %(number_hash)s AND claimed_at > %(since)s AND confirmed_at IS NULL AND ended_at IS NULL
"""


def count_wrong_code(uow: UnitOfWork, number_hash: bytes, at: datetime) -> None:
    uow.write(WRONG_CODE, {"number_hash": number_hash, "since": at - REMEMBERED})


PROLONG = """
    UPDATE claims SET expires_at = %(expires_at)s
    WHERE number_hash = ANY(%(numbers)s::bytea[]) AND ended_at IS NULL AND confirmed_at IS NULL AND kind <> 'practice'
    AND code = (
        SELECT code FROM claims WHERE number_hash = ANY(%(numbers)s::bytea[]) AND subject = %(subject)s AND ended_at IS NULL
        AND confirmed_at IS NULL AND kind <> 'practice' ORDER BY claimed_at DESC LIMIT 1
    )
    RETURNING kind, code
"""


async def prolong(
    uow: UnitOfWork, numbers: tuple[bytes, ...], child: ChildId, at: datetime
) -> tuple[ClaimKind, str] | None:
    """Extends the number's latest claim about the child by ten minutes, at once. Returns its kind and code, or None."""
    latest = {"numbers": list(numbers), "subject": child, "expires_at": at + CONFIRM_WITHIN}
    _, prolonged = await uow.fetch(
        Query(OF_CHILD, {"subject": child}, all_rows),
        Query(PROLONG, latest, lambda rows: (rows[0].kind, rows[0].code) if rows else None),
    )
    return prolonged


def code_for(claim: Claim, known: Iterable[OpenClaim]) -> str:
    """The code that the same claim has and that still counts, else a new one that nobody can guess."""
    subjects = {each.subject for each in claim.about}
    of_code: dict[str, set[ChildId]] = {}
    for each in known:
        if each.live and each.kind == claim.kind:
            of_code.setdefault(each.code, set()).add(each.subject)
    return next((code for code, about in of_code.items() if about == subjects), None) or new_code()


def new_code() -> str:
    """A letter and a digit at least, so that it is seen to be a code; it never looks like a child's, such as C234."""
    while True:
        code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(replies.LENGTH))
        if replies.has_other_code(code.casefold(), ()):
            return code
