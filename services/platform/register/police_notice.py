"""Reads the facts of a police notice: the minimum of a first police report. None is a fact that nobody knows."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.platform.register.keys import Decryptor
from services.platform.register.words import PLACE as WORDS
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, Rows, fields_in
from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, PlacementId
from services.safeguarding.notice_fields import OF_PROFILE
from services.safeguarding.working_time import in_england


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
    """By the names of `services.safeguarding.notice_fields.PROFILE`, without those that nobody knows."""
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
    as_of: datetime | None
    """When an import last confirmed the address and, of a known child, that it lives there."""
    force: ForceId
    host_authority: AuthorityId | None
    carers: tuple[CarerFacts, ...]


@dataclass(frozen=True, slots=True)
class NoticeFacts:
    """While nobody knows which child it is, `child` is None and `candidates` are the children that it may be."""

    authority: AuthorityId | None
    authority_name: str | None
    duty_line: str | None
    child: ChildFacts | None
    candidates: tuple[ChildFacts, ...]
    placement: PlacementFacts | None

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of the personal fields that were read, for the audit."""
        read = [f"child.{each}" for each in ("name", "known_as", "sex", "language", "description") if self.child]
        read += [f"child.{each}" for each in self.child.profile] if self.child else []
        read += ["candidates"] if self.candidates else []
        return (*read, *(["placement.address", "placement.carers"] if self.placement else []))


OF_CHILD = (
    "child, code, name, known_as, sex, language, description, date_of_birth, unaccompanied, modern_slavery_concern, "
    "subject_to_immigration_control, age_disputed, guardian_allocated, entered_care_at, child_key, profile, has_photograph, "
    "photograph_taken_on, told, told_words, told_at"
)
OF_PLACEMENT = (
    "placement, kind, address, as_of, placement_key, force, host_authority, carers, carer_names, carer_mobiles, carer_keys, "
    "authority, authority_name, duty_line"
)
FACTS = f"""
    SELECT {OF_CHILD}, {OF_PLACEMENT} FROM register.for_police_notice WHERE child = ANY(%(children)s::text[])
    UNION ALL SELECT {"NULL, " * len(OF_CHILD.split())} {OF_PLACEMENT} FROM register.placements_for_police
    WHERE placement = %(placement)s::text
"""  # noqa: S608 this module's own words


def facts_for_notice(
    keyring: Keyring, child: ChildId, *, candidates: Sequence[ChildId] = (), placement: PlacementId | None = None
) -> Query[NoticeFacts]:
    """`placement` is the report's. It counts only while nobody knows the child: a known child's own comes first."""

    def decode(rows: Rows) -> NoticeFacts:
        children = {row.child: row for row in rows if row.child is not None}
        at_placement = [*children.values(), *(row for row in rows if row.child is None)]
        where = children.get(child) or next((row for row in at_placement if row.placement == placement), None)
        about = where or next(iter(children.values()), None)
        return NoticeFacts(
            authority=None if about is None else about.authority,
            authority_name=None if about is None else about.authority_name,
            duty_line=None if about is None else about.duty_line,
            child=_child(keyring, children[child]) if child in children else None,
            candidates=tuple(_child(keyring, children[each]) for each in candidates if each in children),
            placement=None if where is None or where.placement is None else _placement(keyring, where),
        )

    return Query(FACTS, {"children": [child, *candidates], "placement": placement}, decode)


def description_of(decryptor: Decryptor, row: Any) -> dict[str, Any]:
    """What a notice and the duty desk both say of a child. Whatever cannot be decrypted any more is a gap."""
    profile = _profile(decryptor, row)
    return {
        "code": row.code,
        "name": decryptor.open(row.name, "children.name"),
        "known_as": tuple(json.loads(decryptor.open(row.known_as, "children.known_as") or "[]")),
        "sex": decryptor.open(row.sex, "children.sex"),
        "language": decryptor.open(row.language, "children.language"),
        "description": profile.pop("description", None),
        "profile": profile,
        "date_of_birth": birth_date_of(decryptor, row),
        "age_disputed": row.age_disputed,
        "has_photograph": row.has_photograph,
    }


def birth_date_of(decryptor: Decryptor, row: Any) -> date | None:
    born = decryptor.open(row.date_of_birth, "children.date_of_birth")
    return None if born is None else date.fromisoformat(born)


def _profile(decryptor: Decryptor, row: Any) -> dict[str, str]:
    """What the register holds; before it, with its day, what somebody who knows the child said last. Neither replaces
    the other: who searches for the child has both.
    """
    held = json.loads(decryptor.open(row.profile, "children.profile") or "{}")
    held |= {"description": decryptor.open(row.description, "children.description")}
    for answers, sealed, at in zip(row.told or (), row.told_words or (), row.told_at or (), strict=True):
        name, said = answers.removeprefix(OF_PROFILE), decryptor.open(sealed, WORDS)
        if said is not None and said != held.get(name):
            told = f"{said} (told on {in_england(at):%-d %B %Y})"
            held[name] = told if held.get(name) is None else f"{told}; {held[name]}"
    return {name: said for name, said in held.items() if said is not None}


def _child(keyring: Keyring, row: Any) -> ChildFacts:
    decryptor = Decryptor(keyring, row.child, row.child_key)
    return ChildFacts(**fields_in(row, ChildFacts) | description_of(decryptor, row))


def _placement(keyring: Keyring, row: Any) -> PlacementFacts:
    opened = {"address": address_of(keyring, row), "carers": carers_at(keyring, row)}
    return PlacementFacts(**fields_in(row, PlacementFacts) | opened)


def address_of(keyring: Keyring, row: Any) -> str | None:
    """The address in a row with a placement's columns. None is a gap."""
    return Decryptor(keyring, row.placement, row.placement_key).open(row.address, "placements.address")


def carers_at(keyring: Keyring, row: Any) -> tuple[CarerFacts, ...]:
    """Who cares there now, by a row with a placement's columns."""
    carers = []
    for person, name, mobile, key in zip(
        row.carers or (), row.carer_names or (), row.carer_mobiles or (), row.carer_keys or (), strict=True
    ):
        decryptor = Decryptor(keyring, person, key)
        carers.append(CarerFacts(person, decryptor.open(name, "people.name"), decryptor.open(mobile, "people.mobile")))
    return tuple(carers)


@dataclass(frozen=True, slots=True)
class Reporter:
    """`role` is `carer`, `agency` or a line of the directory. An agency's name is its id."""

    role: str | None
    name: str | None
    telephone: str | None = None


FIRST_REPORTER = """
    SELECT reporter, role, name, mobile, wrapped FROM register.reporters_for_police WHERE reporter = (
        SELECT said_by FROM register.words_told_to_police
        WHERE delivery = %(delivery)s AND said_by IS NOT NULL AND wrapped IS NOT NULL ORDER BY at, id LIMIT 1
    )
"""


def first_reporter(keyring: Keyring, delivery: UUID) -> Query[Reporter | None]:
    """Who said the first of the words that a notice to police names, of those whose key was not erased. None: the
    register does not know them.
    """

    def decode(rows: Rows) -> Reporter | None:
        if not rows:
            return None
        reporter, role, name, mobile, wrapped = rows[0]
        if role == "agency":
            return Reporter(role, reporter)
        decryptor = Decryptor(keyring, reporter, wrapped)
        return Reporter(role, decryptor.open(name, "people.name"), decryptor.open(mobile, "people.mobile"))

    return Query(FIRST_REPORTER, {"delivery": delivery}, decode)


PICTURE = "photographs.picture"


@dataclass(frozen=True, slots=True)
class Photograph:
    picture: bytes
    media_type: str
    taken_on: date | None


PHOTOGRAPH = """
    SELECT picture, media_type, taken_on, wrapped FROM register.photographs_for_police WHERE child = %(child)s
"""


def photograph_of(keyring: Keyring, child: ChildId) -> Query[Photograph | None]:
    """For an officer who opens the link in a notice. None if there is none, or if its key was erased."""

    def decode(rows: Rows) -> Photograph | None:
        if not rows:
            return None
        picture = Decryptor(keyring, child, rows[0].wrapped).open_bytes(rows[0].picture, PICTURE)
        return None if picture is None else Photograph(picture, rows[0].media_type, rows[0].taken_on)

    return Query(PHOTOGRAPH, {"child": child}, decode)
