"""Names a child at the console: by its code, or by name for somebody on duty who has said why they must know."""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.platform.register.keys import Decryptor
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, scalar
from services.safeguarding.identifiers import AuthorityId, ChildId, PlacementId


@dataclass(frozen=True, slots=True)
class Identity:
    """None is a gap: not recorded, or erased."""

    code: str
    name: str | None
    known_as: tuple[str, ...]


CODES = "SELECT child, code FROM register.for_console WHERE child = ANY(%(children)s::text[])"
BY_CODE = """
    SELECT child FROM register.for_console WHERE authority = %(authority)s AND upper(code) = upper(%(code)s) LIMIT 1
"""
CARED_FOR = """
    SELECT placement, array_agg(child) FILTER (WHERE child IS NOT NULL) AS children FROM register.reporters_for_console
    WHERE authority = %(authority)s AND number_hash = ANY(%(numbers)s::bytea[]) GROUP BY placement
"""
IDENTITY = "SELECT code, name, known_as, wrapped FROM register.identity_for_console WHERE child = %(child)s"


def codes_of_children(children: Collection[ChildId]) -> Query[dict[ChildId, str]]:
    """By child. One that the register does not know, such as a provisional one, is left out."""
    return Query(CODES, {"children": list(children)}, lambda rows: {row.child: row.code for row in rows})


def child_by_code(authority: AuthorityId, code: str) -> Query[ChildId | None]:
    return Query(BY_CODE, {"authority": authority, "code": code}, scalar)


def cared_for_by(authority: AuthorityId, numbers: Sequence[bytes]) -> Query[tuple[PlacementId | None, list[ChildId]]]:
    """Where the carer of this number lives or works, and the children there. None where it is not one placement.

    `numbers`: the number's hash under each phone key.
    """

    def decode(rows: Rows) -> tuple[PlacementId | None, list[ChildId]]:
        return (rows[0].placement if len(rows) == 1 else None, [child for row in rows for child in row.children or ()])

    return Query(CARED_FOR, {"authority": authority, "numbers": list(numbers)}, decode)


def identity_of_child(keyring: Keyring, child: ChildId) -> Query[Identity | None]:
    """None where the register knows no such child."""

    def decode(rows: Rows) -> Identity | None:
        if not rows:
            return None
        [row] = rows
        decryptor = Decryptor(keyring, child, row.wrapped)
        known_as = json.loads(decryptor.open(row.known_as, "children.known_as") or "[]")
        return Identity(row.code, decryptor.open(row.name, "children.name"), tuple(known_as))

    return Query(IDENTITY, {"child": child}, decode)
