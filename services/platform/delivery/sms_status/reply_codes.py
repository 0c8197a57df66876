"""Finds the telling that a texted code answers: a code counts only from the number that it was texted to."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId

FOUND = text("""
    SELECT duty, step, child, authority, episode, role, person, exercise FROM delivery.codes
    WHERE code = :code AND number_hash = ANY(CAST(:hashes AS bytea[])) ORDER BY created_at DESC LIMIT 1
""")


@dataclass(frozen=True, slots=True)
class ReplyCode:
    """The telling that the code stands for."""

    duty: UUID
    step: int
    child: ChildId
    authority: AuthorityId
    episode: UUID | None
    role: str
    person: PersonId | None
    exercise: bool


async def lookup(connection: AsyncConnection, keyring: Keyring, code: str, number: str) -> ReplyCode | None:
    """`code` as texted, in any case; `number` E.164. None: never texted to this number. The newest, should two be alike."""
    texted = {"code": code.upper(), "hashes": list(keyring.number_hashes(number))}
    row = (await connection.execute(FOUND, texted)).mappings().first()
    return None if row is None else ReplyCode(**row)
