"""Lists the directory for a page: names and hours of the rota, how each is reached, the forces. No numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from services.platform.register.directory import turn_of
from services.platform.register.keys import Decryptor
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, scalar
from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId, PlacementId, Scope
from services.safeguarding.working_time import RotaLine


@dataclass(frozen=True, slots=True)
class ForceLine:
    """`host` is where its notices go, `callback` the telephone number of its control room."""

    force: ForceId
    name: str
    host: str | None
    callback: str | None


OF_THESE = "(%(authorities)s::text[] IS NULL OR authority = ANY(%(authorities)s::text[]))"
ROTA = f"""
    SELECT * FROM register.directory_for_console WHERE {OF_THESE} AND (to_at IS NULL OR to_at > %(at)s)
    ORDER BY authority, role, code, turn, person
"""  # noqa: S608 this module's own words, here and below
FORCE_LINES = """
    SELECT DISTINCT ON (force) force, name, host, callback FROM register.forces_for_console
    WHERE effective_at <= %(at)s ORDER BY force, effective_at DESC
"""
PLACEMENT = """
    SELECT placement FROM register.placements_for_protocol WHERE authority = %(authority)s AND force = %(force)s
    ORDER BY placement LIMIT 1
"""
AREAS = f"""
    SELECT DISTINCT authority, force FROM register.placements_for_protocol WHERE {OF_THESE} ORDER BY authority, force
"""  # noqa: S608
IS_KNOWN = "SELECT EXISTS (SELECT FROM register.authorities WHERE id = %(authority)s)"
TELEPHONES = f"SELECT person, mobile, wrapped FROM register.telephones_for_console WHERE {OF_THESE}"  # noqa: S608


def rota_lines(keyring: Keyring, authorities: Scope, at: datetime) -> Query[list[RotaLine]]:
    """The rota by role, in the order in which people are asked, without changes that are over at `at` (story time)."""

    def decode(rows: Rows) -> list[RotaLine]:
        return [_rota_line(keyring, row) for row in rows]

    return Query(ROTA, {"authorities": authorities, "at": at}, decode)


def _rota_line(keyring: Keyring, row: Any) -> RotaLine:
    return RotaLine(
        row.authority,
        row.role,
        row.person,
        Decryptor(keyring, row.person, row.wrapped).open(row.name, "people.name"),
        row.code,
        turn_of(row),
        row.has_mobile,
        row.has_email,
        row.change,
    )


def telephones(keyring: Keyring, authorities: Scope) -> Query[dict[PersonId, str]]:
    """Numbers of the people in the directory, for somebody on duty who has to ring them."""

    def decode(rows: Rows) -> dict[PersonId, str]:
        found = {
            row.person: Decryptor(keyring, row.person, row.wrapped).open(row.mobile, "people.mobile") for row in rows
        }
        return {person: mobile for person, mobile in found.items() if mobile is not None}

    return Query(TELEPHONES, {"authorities": authorities}, decode)


def force_lines(at: datetime) -> Query[list[ForceLine]]:
    """The forces by name, as they are reached at `at` (wall time)."""
    return Query(
        FORCE_LINES, {"at": at}, lambda rows: sorted((ForceLine(*row) for row in rows), key=lambda each: each.name)
    )


def placement_in_area(authority: AuthorityId, force: ForceId) -> Query[PlacementId | None]:
    """The authority's first placement in that force's area: exercises are set there. None: there is none."""
    return Query(PLACEMENT, {"authority": authority, "force": force}, scalar)


def is_known(authority: AuthorityId) -> Query[bool]:
    """Whether the register has such an authority."""
    return Query(IS_KNOWN, {"authority": authority}, scalar)


def areas_with_placements(authorities: Scope) -> Query[list[tuple[AuthorityId, ForceId]]]:
    """Each of these authorities, with each force in whose area it has placements."""
    return Query(AREAS, {"authorities": authorities}, lambda rows: [(row.authority, row.force) for row in rows])
