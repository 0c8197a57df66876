"""Turns an import's rows into the register's: personal columns encrypted under their owner's key, the others clear."""

import contextlib
import json
from collections.abc import Mapping
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.casework.policy.register_import import Import
from services.casework.policy.rows import ChildRow, PersonRow, PlacementRow
from services.platform.register.keys import data_keys
from services.platform.store.encryption import DataKey, Keyring
from services.safeguarding.dates import ADULT, birthday
from services.safeguarding.identifiers import AuthorityId
from services.safeguarding.notice_fields import PROFILE

CLEAR_OF_CHILD = (
    "reference",
    "code",
    "unaccompanied",
    "modern_slavery_concern",
    "subject_to_immigration_control",
    "age_disputed",
    "guardian_allocated",
    "entered_care_at",
)

PRESENT = tuple(
    text(f"SELECT * FROM register.{table} WHERE id = ANY(CAST(:owners AS text[]))")  # noqa: S608 names of our own
    for table in ("placements", "people", "children")
)


class RowEncryptor:
    """Has the keys of every owner in one import, and their rows as they are: a column that says the same stays as it
    lies, so that what an import changed can be told by the rows alone.
    """

    def __init__(self, keyring: Keyring, keys: Mapping[str, DataKey], present: Mapping[str, Mapping[str, Any]]) -> None:
        self._keyring = keyring
        self._keys = keys
        self._present = present

    @classmethod
    async def load(
        cls,
        connection: AsyncConnection,
        keyring: Keyring,
        authority: AuthorityId,
        given: Import,
        placements: Mapping[str, str],
        people: Mapping[str, str],
        children: Mapping[str, str],
    ) -> Self:
        """Makes the keys that are missing. Placements, people and children: ids by reference."""
        owners = [
            *(placements[row.reference] for row in (given.placements or {}).values()),
            *(people[row.reference] for row in (given.people or {}).values()),
            *(children[row.reference] for row in (given.children or {}).values()),
        ]
        if not owners:
            return cls(keyring, {}, {})
        present: dict[str, Mapping[str, Any]] = {}
        for each in PRESENT:
            found = await connection.execute(each, {"owners": owners})
            present |= {row["id"]: row for row in found.mappings()}
        return cls(keyring, await data_keys(connection, keyring, owners, authority=authority), present)

    def placement(self, row: PlacementRow, ids: Mapping[str, str]) -> dict[str, Any]:
        owner = ids[row.reference]
        return row.model_dump() | {"id": owner, "address": self._close(owner, row.address, "placements.address")}

    def person(self, row: PersonRow, ids: Mapping[str, str]) -> dict[str, Any]:
        owner = ids[row.reference]
        return row.model_dump() | {
            "id": owner,
            "name": self._close(owner, row.name, "people.name"),
            "mobile": self._close(owner, row.mobile, "people.mobile"),
            "number_hash": None if row.mobile is None else self._keyring.number_hash(row.mobile),
            "email": self._close(owner, row.email, "people.email"),
        }

    def child(self, row: ChildRow, ids: Mapping[str, str], placements: Mapping[str, str]) -> dict[str, Any]:
        owner = ids[row.reference]
        born = None if row.date_of_birth is None else str(row.date_of_birth)
        also = json.dumps(row.known_as) if row.known_as else None
        profile = {name: str(told) for name in PROFILE if (told := getattr(row, name)) is not None}
        return row.model_dump(include=set(CLEAR_OF_CHILD)) | {
            "id": owner,
            "placement": None if row.placement is None else placements[row.placement],
            "name": self._close(owner, row.name, "children.name"),
            "date_of_birth": self._close(owner, born, "children.date_of_birth"),
            "adult_on": None if row.date_of_birth is None else birthday(row.date_of_birth, ADULT),
            "known_as": self._close(owner, also, "children.known_as"),
            "sex": self._close(owner, row.sex, "children.sex"),
            "language": self._close(owner, row.language, "children.language"),
            "description": self._close(owner, row.description, "children.description"),
            "profile": self._close(owner, json.dumps(profile) if profile else None, "children.profile"),
        }

    def _close(self, owner: str, words: str | None, place: str) -> bytes | None:
        if words is None:
            return None
        present = self._present.get(owner, {}).get(place.partition(".")[2])
        with contextlib.suppress(InvalidTag):
            if present is not None and self._keys[owner].open(present, place) == words:
                return bytes(present)
        return self._keys[owner].close(words, place)
