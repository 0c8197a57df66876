"""The directory as a page shows it: names and hours of those on the rota, how each is reached, and the forces. No number, no address."""

from dataclasses import dataclass

from sqlalchemy import select, true
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.keys import Decryptor
from services.platform.register.views import directory_for_console, forces_for_console, placements_for_protocol
from services.platform.store.encryption import Keyring
from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId, PlacementId
from services.safeguarding.working_time import Days, Turn


@dataclass(frozen=True, slots=True)
class RotaLine:
    """One turn of one person. `code` is the child's, where the line is of one child alone."""

    authority: AuthorityId
    role: str
    person: PersonId
    name: str | None
    code: str | None
    turn: Turn
    has_mobile: bool
    has_email: bool


@dataclass(frozen=True, slots=True)
class ForceLine:
    """`host` is where its notices go, `callback` the telephone number of its control room."""

    force: ForceId
    name: str
    host: str | None
    callback: str | None


async def rota(connection: AsyncConnection, keyring: Keyring, authority: AuthorityId | None) -> list[RotaLine]:
    """Of one authority, or of all; by role, then in the order in which they are asked."""
    view = directory_for_console.c
    which = true() if authority is None else view.authority == authority
    found = await connection.execute(
        select(directory_for_console)
        .where(which)
        .order_by(view.authority, view.role, view.code, view.turn, view.person)
    )
    return [
        RotaLine(
            row["authority"],
            row["role"],
            row["person"],
            Decryptor(keyring, row["person"], row["wrapped"]).open(row["name"], "people.name"),
            row["code"],
            Turn(row["person"], row["turn"], Days(row["days"]), row["starts"], row["ends"], row["bank_holidays"]),
            row["has_mobile"],
            row["has_email"],
        )
        for row in found.mappings()
    ]


async def forces(connection: AsyncConnection) -> list[ForceLine]:
    view = forces_for_console.c
    rows = await connection.execute(select(view.force, view.name, view.host, view.callback).order_by(view.name))
    return [ForceLine(*row) for row in rows]


async def a_placement(connection: AsyncConnection, authority: AuthorityId, force: ForceId) -> PlacementId | None:
    """One of the authority's in that force's area: where an exercise is set."""
    view = placements_for_protocol.c
    found: PlacementId | None = await connection.scalar(
        select(view.placement).where(view.authority == authority, view.force == force).order_by(view.placement).limit(1)
    )
    return found


async def areas(connection: AsyncConnection, authority: AuthorityId | None) -> list[tuple[AuthorityId, ForceId]]:
    """Each authority with each force in whose area it has placements."""
    view = placements_for_protocol.c
    which = true() if authority is None else view.authority == authority
    rows = await connection.execute(
        select(view.authority, view.force).where(which).distinct().order_by(view.authority, view.force)
    )
    return [(row.authority, row.force) for row in rows]
