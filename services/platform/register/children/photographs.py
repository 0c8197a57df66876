"""Reads a child's photograph for an officer who opens the link in a notice."""

from dataclasses import dataclass
from datetime import date

from services.platform.register.keys import Decryptor
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows
from services.safeguarding.identifiers import ChildId

PLACE = "photographs.picture"


@dataclass(frozen=True, slots=True)
class Photograph:
    picture: bytes
    media_type: str
    taken_on: date | None


PHOTOGRAPH = """
    SELECT picture, media_type, taken_on, wrapped FROM register.photographs_for_police WHERE child = %(child)s
"""


def photograph_of(keyring: Keyring, child: ChildId) -> Query[Photograph | None]:
    """None if there is none, or if its key was erased."""

    def decode(rows: Rows) -> Photograph | None:
        for row in rows:
            picture = Decryptor(keyring, child, row.wrapped).open_bytes(row.picture, PLACE)
            return None if picture is None else Photograph(picture, row.media_type, row.taken_on)
        return None

    return Query(PHOTOGRAPH, {"child": child}, decode)
