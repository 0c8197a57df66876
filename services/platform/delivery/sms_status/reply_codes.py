"""Finds the telling that a texted code answers: a code counts only from the number that it was texted to."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.delivery.tables import codes
from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId
from services.safeguarding.roles import Role


@dataclass(frozen=True, slots=True)
class ReplyCode:
    """The telling that the code stands for."""

    delivery: UUID
    service: str
    duty: UUID
    step: int
    child: ChildId
    authority: AuthorityId
    episode: UUID | None
    role: Role
    person: PersonId | None
    exercise: bool
    trace: str | None


async def lookup(connection: AsyncConnection, keyring: Keyring, code: str, number: str) -> ReplyCode | None:
    """`code` as texted, in any case; `number` E.164. None: never texted to this number. The newest, should two be alike."""
    rows = await connection.execute(
        select(codes)
        .where(codes.c.code == code.upper(), codes.c.number_hash.in_(keyring.number_hashes(number)))
        .order_by(codes.c.created_at.desc())
        .limit(1)
    )
    row = rows.mappings().first()
    if row is None:
        return None
    return ReplyCode(
        delivery=row["delivery"],
        service=row["service"],
        duty=row["duty"],
        step=row["step"],
        child=row["child"],
        authority=row["authority"],
        episode=row["episode"],
        role=Role(row["role"]),
        person=row["person"],
        exercise=row["exercise"],
        trace=row["trace"],
    )
