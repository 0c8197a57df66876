"""Keeps what a number has claimed of children that would end a search, and the codes that confirm it. All times are story time.

Asked with what else a text is read by, and written with the commit.
"""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from services.carers.policy.context import ClaimKind, OpenClaim
from services.carers.policy.decision import Claim
from services.carers.understanding.details import confirmations
from services.platform.store.query import Statement, execute_pipelined
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import CODE_ALPHABET, ChildId

CONFIRM_WITHIN = timedelta(minutes=10)
REMEMBERED = timedelta(days=1)
"""So long an old code is told from one that was never ours."""
WRONG_CODES_IN = timedelta(hours=1)

OF_NUMBER = """
    SELECT kind, code, subject, authority, person, episode, expires_at, confirmed_at, ended_at, wrong_codes, claimed_at
    FROM claims WHERE number_hash = %(number_hash)s AND claimed_at > %(since)s ORDER BY claimed_at DESC, code, subject
"""


def of_number(number_hash: bytes, at: datetime) -> Statement:
    """Its rows are read by `opened`."""
    return OF_NUMBER, {"number_hash": number_hash, "since": at - REMEMBERED}


def opened(rows: Iterable[tuple[Any, ...]], at: datetime) -> tuple[tuple[OpenClaim, ...], int]:
    """The claims, the newest first, and how many wrong codes came within the hour before `at`."""
    claims, wrong = [], {}
    for kind, code, subject, authority, person, episode, expires, confirmed, ended, wrong_codes, claimed in rows:
        live = confirmed is None and ended is None and at < expires
        claims.append(OpenClaim(kind, code, subject, authority, live, confirmed is not None, person, episode))
        if claimed > at - WRONG_CODES_IN:
            wrong[code] = wrong_codes
    return tuple(claims), sum(wrong.values())


CLAIM = """
    INSERT INTO claims (number_hash, code, subject, kind, authority, person, episode, claimed_at, expires_at, wrong_codes)
    VALUES (%(number_hash)s, %(code)s, %(subject)s, %(kind)s, %(authority)s, %(person)s, %(episode)s, %(at)s, %(expires_at)s, 0)
    ON CONFLICT (number_hash, code, subject) DO UPDATE SET expires_at = excluded.expires_at
"""


def keep(uow: UnitOfWork, number_hash: bytes, claim: Claim, code: str, at: datetime) -> None:
    """Under the code that is texted. The same claim made again while its code counts keeps the code, and has ten minutes more."""
    for each in claim.about:
        row = {
            "number_hash": number_hash,
            "code": code,
            "subject": each.subject,
            "kind": claim.kind,
            "authority": each.authority,
            "person": each.person,
            "episode": each.episode,
            "at": at,
            "expires_at": at + CONFIRM_WITHIN,
        }
        uow.write(CLAIM, row)


CONFIRMED = """
    UPDATE claims SET confirmed_at = %(at)s
    WHERE number_hash = %(number_hash)s AND code = %(code)s AND subject = %(subject)s AND confirmed_at IS NULL
"""


def confirmed(uow: UnitOfWork, number_hash: bytes, claim: OpenClaim, at: datetime) -> None:
    row = {"number_hash": number_hash, "code": claim.code, "subject": claim.subject, "at": at}
    uow.write(CONFIRMED, row)


DENIED = "UPDATE claims SET ended_at = %(at)s WHERE subject = %(subject)s AND confirmed_at IS NULL AND ended_at IS NULL"


def denied(uow: UnitOfWork, child: ChildId, at: datetime) -> None:
    """The child is said to be missing again: what anybody claimed before, no code confirms any more."""
    uow.write(DENIED, {"subject": child, "at": at})


WRONG = """
    UPDATE claims SET wrong_codes = wrong_codes + 1
    WHERE number_hash = %(number_hash)s AND claimed_at > %(since)s AND confirmed_at IS NULL AND ended_at IS NULL
"""


def wrong_code(uow: UnitOfWork, number_hash: bytes, at: datetime) -> None:
    row = {"number_hash": number_hash, "since": at - REMEMBERED}
    uow.write(WRONG, row)


LATEST = """
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
    """The kind and code of this number's latest claim about the child, which counts for ten minutes more. None: there is none to confirm."""
    asked = {"numbers": list(numbers), "subject": child, "expires_at": at + CONFIRM_WITHIN}
    [rows] = await execute_pipelined(uow.connection, (LATEST, asked))
    return (rows[0][0], rows[0][1]) if rows else None


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
        code = "".join(secrets.choice(CODE_ALPHABET) for _ in range(confirmations.LENGTH))
        if confirmations.has_other_code(code.casefold(), ()):
            return code
