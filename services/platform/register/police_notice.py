"""What a force is told of a missing child: the minimum of a first police report. A gap is None, is sent, and is chased."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, TypeAlias

from sqlalchemy import ARRAY, Text, any_, bindparam, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.platform.register.keys import Decryptor
from services.platform.register.views import for_police_notice, placements_for_police
from services.platform.store.encryption import Keyring
from services.platform.store.query import Statement, as_sql, execute_pipelined
from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, PlacementId

Row: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChildFacts:
    child: ChildId
    code: str
    name: str | None
    known_as: tuple[str, ...]
    sex: str | None
    language: str | None
    description: str | None
    date_of_birth: date | None
    age_disputed: bool | None
    unaccompanied: bool | None
    modern_slavery_concern: bool | None
    subject_to_immigration_control: bool | None
    guardian_allocated: bool | None
    entered_care_at: datetime | None
    profile: Mapping[str, str]
    """By the names of `services.safeguarding.notice_fields.PROFILE`; a gap is left out."""
    has_photograph: bool
    photograph_taken_on: date | None


@dataclass(frozen=True, slots=True)
class CarerFacts:
    person: PersonId
    name: str | None
    mobile: str | None


@dataclass(frozen=True, slots=True)
class PlacementFacts:
    placement: PlacementId
    kind: str
    address: str | None
    force: ForceId
    host_authority: AuthorityId | None
    carers: tuple[CarerFacts, ...]


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """`child` is None while nobody knows which child it is: then `candidates` says whom it may be."""

    authority: AuthorityId | None
    authority_name: str | None
    duty_line: str | None
    child: ChildFacts | None
    candidates: tuple[ChildFacts, ...]
    placement: PlacementFacts | None

    @property
    def fields(self) -> tuple[str, ...]:
        """The names of the personal fields that were read, for the audit."""
        read = [f"child.{each}" for each in ("name", "known_as", "sex", "language", "description") if self.child]
        read += [f"child.{each}" for each in self.child.profile] if self.child else []
        read += ["candidates"] if self.candidates else []
        return (*read, *(["placement.address", "placement.carers"] if self.placement else []))


# Built once: asked for every notice.
OF_CHILDREN = select(for_police_notice).where(
    for_police_notice.c.child == any_(bindparam("children", type_=ARRAY(Text)))
)
CHILDREN = as_sql(OF_CHILDREN)
COLUMNS = tuple(each.name for each in OF_CHILDREN.selected_columns)
AT_PLACEMENT = select(placements_for_police).where(placements_for_police.c.placement == bindparam("placement"))


def asked(child: ChildId, candidates: Sequence[ChildId] = ()) -> Statement:
    """For whoever asks other things in the same round trip."""
    return CHILDREN, {"children": [child, *candidates]}


async def facts(
    connection: AsyncConnection,
    keyring: Keyring,
    child: ChildId,
    *,
    candidates: Sequence[ChildId] = (),
    placement: PlacementId | None = None,
) -> NoticeFacts:
    """`placement` is where the report came from, used where the child is not known; a known child's own goes first."""
    [found] = await execute_pipelined(connection, asked(child, candidates))
    return await opened(connection, keyring, child, found, candidates=candidates, placement=placement)


async def opened(
    connection: AsyncConnection,
    keyring: Keyring,
    child: ChildId,
    found: Sequence[tuple[Any, ...]],
    *,
    candidates: Sequence[ChildId] = (),
    placement: PlacementId | None = None,
) -> NoticeFacts:
    """As `facts`, of what `asked` gave."""
    rows: dict[str, Row] = {row["child"]: row for row in (dict(zip(COLUMNS, each, strict=True)) for each in found)}
    where = rows.get(child) or next((row for row in rows.values() if row["placement"] == placement), None)
    if where is None and placement is not None:
        where = await _placement_row(connection, placement)
    about = where if where is not None else next(iter(rows.values()), None)
    return NoticeFacts(
        authority=None if about is None else about["authority"],
        authority_name=None if about is None else about["authority_name"],
        duty_line=None if about is None else about["duty_line"],
        child=_child(keyring, rows[child]) if child in rows else None,
        candidates=tuple(_child(keyring, rows[each]) for each in candidates if each in rows),
        placement=_placement(keyring, where) if where is not None and where["placement"] is not None else None,
    )


async def _placement_row(connection: AsyncConnection, placement: PlacementId) -> Row | None:
    found = await connection.execute(AT_PLACEMENT, {"placement": placement})
    row = found.mappings().first()
    return None if row is None else dict(row)


def _child(keyring: Keyring, row: Row) -> ChildFacts:
    opener = Decryptor(keyring, row["child"], row["child_key"])
    return ChildFacts(
        child=row["child"],
        code=row["code"],
        name=opener.open(row["name"], "children.name"),
        known_as=tuple(json.loads(opener.open(row["known_as"], "children.known_as") or "[]")),
        sex=opener.open(row["sex"], "children.sex"),
        language=opener.open(row["language"], "children.language"),
        description=opener.open(row["description"], "children.description"),
        date_of_birth=row["date_of_birth"],
        age_disputed=row["age_disputed"],
        unaccompanied=row["unaccompanied"],
        modern_slavery_concern=row["modern_slavery_concern"],
        subject_to_immigration_control=row["subject_to_immigration_control"],
        guardian_allocated=row["guardian_allocated"],
        entered_care_at=row["entered_care_at"],
        profile=json.loads(opener.open(row["profile"], "children.profile") or "{}"),
        has_photograph=row["has_photograph"],
        photograph_taken_on=row["photograph_taken_on"],
    )


def _placement(keyring: Keyring, row: Row) -> PlacementFacts:
    carers = []
    sealed = zip(
        row["carers"] or (), row["carer_names"] or (), row["carer_mobiles"] or (), row["carer_keys"] or (), strict=True
    )
    for person, name, mobile, key in sealed:
        opener = Decryptor(keyring, person, key)
        carers.append(CarerFacts(person, opener.open(name, "people.name"), opener.open(mobile, "people.mobile")))
    address = Decryptor(keyring, row["placement"], row["placement_key"]).open(row["address"], "placements.address")
    return PlacementFacts(row["placement"], row["kind"], address, row["force"], row["host_authority"], tuple(carers))
