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

TABLES = ("placements", "people", "children")


class RowEncryptor:
    """For one import: the owners' ids by table and reference, their keys, and their rows before it. A column whose
    value is the same keeps its bytes, so that the rows alone show what an import changed.
    """

    def __init__(
        self,
        keyring: Keyring,
        ids: Mapping[str, Mapping[str, str]],
        keys: Mapping[str, DataKey],
        present: Mapping[str, Mapping[str, Any]],
    ) -> None:
        self._keyring = keyring
        self._ids = ids
        self._keys = keys
        self._present = present

    @classmethod
    async def load(
        cls,
        connection: AsyncConnection,
        keyring: Keyring,
        authority: AuthorityId,
        given: Import,
        ids: Mapping[str, Mapping[str, str]],
    ) -> Self:
        """Makes the keys that are missing."""
        owners = [ids[each][row.reference] for each in TABLES for row in given.rows(each).values()]
        present: dict[str, Mapping[str, Any]] = {}
        for each in TABLES if owners else ():
            rows = text(f"SELECT * FROM register.{each} WHERE id = ANY(CAST(:owners AS text[]))")  # noqa: S608 own names
            found = await connection.execute(rows, {"owners": owners})
            present |= {row["id"]: row for row in found.mappings()}
        keys = await data_keys(connection, keyring, owners, authority=authority) if owners else {}
        return cls(keyring, ids, keys, present)

    def placement(self, row: PlacementRow) -> dict[str, Any]:
        owner = self._ids["placements"][row.reference]
        return row.model_dump() | {"id": owner} | self._close("placements", owner, address=row.address)

    def person(self, row: PersonRow) -> dict[str, Any]:
        owner = self._ids["people"][row.reference]
        number = {"number_hash": None if row.mobile is None else self._keyring.number_hash(row.mobile)}
        sealed = self._close("people", owner, name=row.name, mobile=row.mobile, email=row.email)
        return row.model_dump() | {"id": owner} | number | sealed

    def child(self, row: ChildRow) -> dict[str, Any]:
        owner, born = self._ids["children"][row.reference], row.date_of_birth
        profile = {name: str(told) for name in PROFILE if (told := getattr(row, name)) is not None}
        clear = {
            "id": owner,
            "placement": None if row.placement is None else self._ids["placements"][row.placement],
            "adult_on": None if born is None else birthday(born, ADULT),
        }
        sealed = self._close(
            "children",
            owner,
            name=row.name,
            date_of_birth=None if born is None else str(born),
            known_as=json.dumps(row.known_as) if row.known_as else None,
            sex=row.sex,
            language=row.language,
            description=row.description,
            profile=json.dumps(profile) if profile else None,
        )
        return row.model_dump(include=set(CLEAR_OF_CHILD)) | clear | sealed

    def _close(self, table: str, owner: str, **said: str | None) -> dict[str, bytes | None]:
        return {name: self._close_column(owner, words, f"{table}.{name}") for name, words in said.items()}

    def _close_column(self, owner: str, words: str | None, place: str) -> bytes | None:
        if words is None:
            return None
        present = self._present.get(owner, {}).get(place.partition(".")[2])
        with contextlib.suppress(InvalidTag):
            if present is not None and self._keys[owner].open(present, place) == words:
                return bytes(present)
        return self._keys[owner].close(words, place)
