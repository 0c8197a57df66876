"""Reads and writes an authority's part of the register for an import, in the caller's transaction.

Personal columns are encrypted under their owner's key, the others are clear.
"""

import contextlib
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Self, TypeAlias

from cryptography.exceptions import InvalidTag
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.options.register_upkeep.policy.register_import import Import, KnownReferences
from services.options.register_upkeep.policy.rows import ChildRow, DatedRow, PersonRow, PlacementRow
from services.platform.register.directory import lock_register
from services.platform.register.keys import Decryptor, data_keys
from services.platform.store.encryption import DataKey, Keyring
from services.platform.store.query import Query, Rows, all_rows
from services.platform.store.unit_of_work import UnitOfWork
from services.safeguarding.identifiers import AuthorityId, new_id
from services.safeguarding.notice_fields import PROFILE
from services.safeguarding.working_time import ADULT, birthday

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


Referred: TypeAlias = PlacementRow | PersonRow | ChildRow

AUTHORITY = "SELECT id FROM register.authorities WHERE id = %(authority)s"
FORCES = "SELECT id FROM register.forces"
PLACEMENTS = "SELECT reference, id, as_of FROM register.placements WHERE authority = %(authority)s"
PEOPLE = "SELECT reference, id, as_of FROM register.people WHERE authority = %(authority)s"
CHILDREN = "SELECT reference, id, code, as_of FROM register.children WHERE authority = %(authority)s"
CARERS = """
    SELECT q.reference || ' ' || p.reference AS reference, max(c.as_of) AS as_of FROM register.placement_carers c
    JOIN register.placements p ON p.id = c.placement JOIN register.people q ON q.id = c.person
    WHERE p.authority = %(authority)s GROUP BY p.reference, q.reference
"""
GIVEN_AWAY = "SELECT reference FROM transferred WHERE authority = %(authority)s"
KNOWN_AGENCIES = "SELECT id FROM register.agencies"
CORRECTIONS = """
    SELECT p.id, p.reference, c.field, CASE c.field WHEN 'mobile' THEN p.mobile ELSE p.email END AS value, k.wrapped
    FROM register.corrections c JOIN register.people p ON p.id = c.person
    LEFT JOIN register.data_keys k ON k.owner = p.id WHERE p.authority = %(authority)s
"""
FORGET = """
    DELETE FROM register.corrections c USING register.people p WHERE p.id = c.person
    AND p.authority = %(authority)s AND p.reference = %(reference)s AND c.field = ANY(%(fields)s::text[])
"""
SHARED_NUMBERS = """
    SELECT array_agg(p.reference) AS people FROM register.people p
    WHERE p.authority = %(authority)s AND p.number_hash IS NOT NULL AND (
        EXISTS (SELECT FROM register.placement_carers c WHERE c.person = p.id AND c.to_at IS NULL)
        OR EXISTS (SELECT FROM register.directory d WHERE d.person = p.id)
    )
    GROUP BY p.number_hash HAVING count(*) > 1
"""

CODES_MAY_SWAP = Query("SET CONSTRAINTS register.children_codes DEFERRED", {}, all_rows)
CODES_ARE_UNIQUE = Query("SET CONSTRAINTS register.children_codes IMMEDIATE", {}, all_rows)
LISTED_NO_LONGER = text(
    "DELETE FROM register.agency_agreements WHERE authority = :authority AND agency <> ALL(CAST(:listed AS text[]))"
)
FED_CARER = (
    text("""
        UPDATE register.placement_carers SET as_of = :as_of, to_at = CASE WHEN :ended THEN CAST(:as_of AS timestamptz) END
        WHERE placement = :placement AND person = :person AND to_at IS NULL
    """),
    text("""
        INSERT INTO register.placement_carers (placement, person, from_at, to_at, as_of)
        SELECT :placement, :person, :as_of, CASE WHEN :ended THEN CAST(:as_of AS timestamptz) END, :as_of
        WHERE NOT EXISTS (SELECT FROM register.placement_carers
            WHERE placement = :placement AND person = :person AND as_of = CAST(:as_of AS timestamptz))
    """),
)
"""Who is said to have ended before they are said to have begun is kept as ended: it is the later word."""
SEEN_CARERS = text("""
    UPDATE register.placement_carers SET as_of = :at
    WHERE to_at IS NULL AND placement IN (SELECT id FROM register.placements WHERE authority = :authority)
    RETURNING placement, person
""")
FORMER_CARER = text("""
    UPDATE register.placement_carers SET to_at = :at WHERE to_at IS NULL AND placement = :placement AND person = :person
""")
NEW_CARER = text("""
    INSERT INTO register.placement_carers (placement, person, from_at, as_of) VALUES (:placement, :person, :at, :at)
""")
LINE = ("authority", "role", "person", "child", "turn", "days", "starts", "ends", "bank_holidays")
LINES = f"SELECT ctid::text AS place, {', '.join(LINE)} FROM register.directory WHERE authority = %(authority)s"  # noqa: S608 own words
LEAVE = text("DELETE FROM register.directory WHERE ctid = ANY(CAST(:gone AS tid[]))")


async def lock_and_read(uow: UnitOfWork, authority: AuthorityId) -> KnownReferences:
    await lock_register(uow, authority)
    named = {"authority": authority}
    is_known, forces, placements, people, children, carers, given_away, agencies = await uow.fetch(
        Query(AUTHORITY, named, bool),
        Query(FORCES, {}, _first_column),
        Query(PLACEMENTS, named, all_rows),
        Query(PEOPLE, named, all_rows),
        Query(CHILDREN, named, all_rows),
        Query(CARERS, named, all_rows),
        Query(GIVEN_AWAY, named, _first_column),
        Query(KNOWN_AGENCIES, {}, _first_column),
    )
    fed = {"placements": placements, "people": people, "children": children, "carers": carers}
    return KnownReferences(
        authority=is_known,
        forces=forces,
        placements=_ids(placements),
        people=_ids(people),
        children=_ids(children),
        codes={row.reference: row.code for row in children},
        given_away=given_away,
        agencies=agencies,
        as_of={
            table: {row.reference: row.as_of for row in rows if row.as_of is not None} for table, rows in fed.items()
        },
    )


def _first_column(rows: Rows) -> frozenset[str]:
    return frozenset(row[0] for row in rows)


def _ids(rows: Rows) -> dict[str, str]:
    return {row.reference: row.id for row in rows}


async def write_import(
    uow: UnitOfWork, keyring: Keyring, authority: AuthorityId, given: Import, before: KnownReferences, at: datetime
) -> None:
    """At once, so that the caller can check it. Carers who are left out are former ones from `at` (story time)."""
    connection = uow.connection
    placements = _with_new(before.placements, given.placements, "placement")
    people = _with_new(before.people, given.people, "person")
    children = _with_new(before.children, given.children, "child")
    ids = {"placements": placements, "people": people, "children": children}
    encryptor = await RowEncryptor.load(connection, keyring, authority, given, ids)
    if given.authority is not None:
        periods = given.authority.retention
        row = given.authority.model_dump(exclude={"retention"})
        row |= {} if periods is None else {"retention": json.dumps(periods)}
        row |= {"live": False}  # until somebody switches it on at the console
        await _upsert(connection, "authorities", [row], "id", keep="live")

    def mine(row: DatedRow) -> dict[str, Any]:
        return {"authority": authority, "as_of": row.as_of or at}

    await uow.fetch(CODES_MAY_SWAP)
    for table, rows in (
        ("placements", [encryptor.placement(row) | mine(row) for row in given.rows("placements").values()]),
        ("people", [encryptor.person(row) | mine(row) for row in given.rows("people").values()]),
        ("children", [encryptor.child(row) | mine(row) for row in given.rows("children").values()]),
    ):
        await _upsert(connection, table, rows, "authority", "reference", keep="id")
    await uow.fetch(CODES_ARE_UNIQUE)
    if given.feed:
        fed = [
            row.model_dump() | {"placement": placements[row.placement], "person": people[row.person]}
            for row in given.rows("carers").values()
        ]
        for statement in FED_CARER if fed else ():
            await connection.execute(statement, fed)
    elif given.carers is not None:
        cares = [row for row in given.carers.values() if not row.ended]
        wanted = {(placements[row.placement], people[row.person]) for row in cares}
        await _write_carers(connection, authority, wanted, at)
    if given.directory is not None:
        lines = [
            {"authority": authority} | _line(row.model_dump(), people, children) for row in given.directory.values()
        ]
        await _write_directory(uow, authority, lines)
    if given.sharing_agreements is not None:
        agreements = [
            {"authority": authority} | row.model_dump() | {"fields": list(row.fields)}
            for row in given.sharing_agreements.values()
        ]
        await _upsert(connection, "sharing_agreements", agreements, "authority", "reference")
    if given.agencies is not None:
        allowed = {row.id: row for row in given.agencies.values()}
        await connection.execute(LISTED_NO_LONGER, {"authority": authority, "listed": list(allowed)})
        rows = [
            {"authority": authority, "agency": row.id, "types": list(row.types), "verifies": row.verifies}
            for row in allowed.values()
        ]
        await _upsert(connection, "agency_agreements", rows, "authority", "agency")


def corrections_by_reference(keyring: Keyring, authority: AuthorityId) -> Query[dict[str, dict[str, str | None]]]:
    """Values that were put right by hand, by reference and field."""

    def decode(rows: Rows) -> dict[str, dict[str, str | None]]:
        found: dict[str, dict[str, str | None]] = {}
        for row in rows:
            value = Decryptor(keyring, row.id, row.wrapped).open(row.value, f"people.{row.field}")
            found.setdefault(row.reference, {})[row.field] = value
        return found

    return Query(CORRECTIONS, {"authority": authority}, decode)


def forget_corrections(uow: UnitOfWork, authority: AuthorityId, agreed: Mapping[str, Sequence[str]]) -> None:
    """The source says the same by now."""
    for reference, fields in agreed.items():
        uow.write(FORGET, {"authority": authority, "reference": reference, "fields": list(fields)})


def people_sharing_a_number(authority: AuthorityId) -> Query[list[list[str]]]:
    """The references of carers and people on the directory who have one number: a group for each number."""
    return Query(SHARED_NUMBERS, {"authority": authority}, lambda rows: [row.people for row in rows])


def _with_new(ids: Mapping[str, str], rows: Mapping[int, Referred] | None, of: str) -> dict[str, str]:
    return {row.reference: new_id(of) for row in (rows or {}).values()} | dict(ids)


def _line(row: dict[str, Any], people: Mapping[str, str], children: Mapping[str, str]) -> dict[str, Any]:
    child = row.pop("child")
    return row | {
        "person": people[row["person"]],
        "child": None if child is None else children[child],
        "turn": row.pop("order"),
    }


async def _upsert(
    connection: AsyncConnection, table: str, rows: list[dict[str, Any]], *key: str, keep: str | None = None
) -> None:
    if not rows:
        return
    changed = ", ".join(f"{name} = excluded.{name}" for name in rows[0] if name not in key and name != keep)
    statement = f"{_insertion(table, rows[0])} ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}"
    await connection.execute(text(statement), rows)


def _insertion(table: str, columns: Collection[str]) -> str:
    given = ", ".join(f":{name}" for name in columns)
    return f"INSERT INTO register.{table} ({', '.join(columns)}) VALUES ({given})"  # noqa: S608 names of our own


async def _write_directory(uow: UnitOfWork, authority: AuthorityId, lines: list[dict[str, Any]]) -> None:
    """Only what differs, so that the record of the import names nothing else."""
    found = await uow.fetch(Query(LINES, {"authority": authority}, all_rows))
    present = {tuple(row[1:]): row.place for row in found}
    wanted = {tuple(line[name] for name in LINE): line for line in lines}
    gone = [place for line, place in present.items() if line not in wanted]
    if gone:
        await uow.connection.execute(LEAVE, {"gone": gone})
    new = [line for key, line in wanted.items() if key not in present]
    if new:
        await uow.connection.execute(text(_insertion("directory", LINE)), new)


async def _write_carers(
    connection: AsyncConnection, authority: AuthorityId, wanted: set[tuple[str, str]], at: datetime
) -> None:
    rows = await connection.execute(SEEN_CARERS, {"authority": authority, "at": at})
    present = {(row.placement, row.person) for row in rows}
    for statement, pairs in ((FORMER_CARER, present - wanted), (NEW_CARER, wanted - present)):
        about = [{"placement": placement, "person": person, "at": at} for placement, person in sorted(pairs)]
        if about:
            await connection.execute(statement, about)
