"""The rows of an import, one class a table. A row's `reference` is the authority's own name for it."""

import binascii
from base64 import b64decode
from datetime import date, time
from enum import StrEnum
from typing import Annotated, Any, Literal

import phonenumbers
from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from services.safeguarding.identifiers import AuthorityId, ForceId
from services.safeguarding.message import KIND
from services.safeguarding.roles import Role
from services.safeguarding.working_time import Days

OWN_SOURCES = "/safe-return/"


def _number(value: str) -> str:
    wanted = "a number in international form is needed, such as +447700900100"
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        raise ValueError(wanted) from None
    if phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164) != value or not phonenumbers.is_possible_number(parsed):
        raise ValueError(wanted)
    return value


def _secret(value: str) -> str:
    try:
        b64decode(value.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        msg = "whsec_ and the base64 of at least 24 bytes are needed"
        raise ValueError(msg) from None
    return value


def _hour(value: Any) -> Any:
    return "00:00" if value == "24:00" else value


def _kind(value: str) -> str:
    if KIND.match(value) is None:
        msg = "a kind of event is needed, such as child.reported-missing.v1"
        raise ValueError(msg)
    return value


def _foreign(value: str) -> str:
    if value.startswith(OWN_SOURCES):
        msg = f"{OWN_SOURCES} is Safe Return's own"
        raise ValueError(msg)
    return value


Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=60)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000, pattern=r"^[^\x00]*$")]
Number = Annotated[str, AfterValidator(_number)]
Email = Annotated[str, StringConstraints(pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$", max_length=254)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
Secret = Annotated[str, StringConstraints(pattern=r"^whsec_[A-Za-z0-9+/]{32,}={0,2}$", max_length=200), AfterValidator(_secret)]
Hour = Annotated[time, BeforeValidator(_hour)]
Source = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=200), AfterValidator(_foreign)]
Kind = Annotated[str, AfterValidator(_kind)]


class DirectoryRole(StrEnum):
    """A line of the directory. `duty.worker` is none: the two lines below fill it, by hour."""

    DUTY_SOCIAL_WORKER = "duty.social-worker"
    DUTY_EMERGENCY_TEAM = Role.DUTY_EMERGENCY_TEAM
    DUTY_SENIOR_MANAGER = Role.DUTY_SENIOR_MANAGER
    DUTY_HEAD_OF_SERVICE = Role.DUTY_HEAD_OF_SERVICE
    CHILD_SOCIAL_WORKER = Role.CHILD_SOCIAL_WORKER
    CHILD_TEAM_MANAGER = Role.CHILD_TEAM_MANAGER
    CHILD_INDEPENDENT_REVIEWING_OFFICER = Role.CHILD_INDEPENDENT_REVIEWING_OFFICER
    CHILD_GUARDIAN = Role.CHILD_GUARDIAN
    CHILD_LEGAL_ADVISER = Role.CHILD_LEGAL_ADVISER
    CHILD_PERSONAL_ADVISER = Role.CHILD_PERSONAL_ADVISER
    CHILD_HEALTH_PRACTITIONER = Role.CHILD_HEALTH_PRACTITIONER
    HOST_DUTY_DESK = Role.HOST_DUTY_DESK
    HOME_OFFICE_MISSING_DESK = Role.HOME_OFFICE_MISSING_DESK
    HOME_OFFICE_CASEWORKER = Role.HOME_OFFICE_CASEWORKER


class Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @property
    def named(self) -> str:
        """What a person who reads of a fault finds the row by."""
        return str(getattr(self, "reference", getattr(self, "id", "")))


class AuthorityRow(Row):
    id: AuthorityId
    name: Line
    duty_line: Number | None = None


class ForceRow(Row):
    id: ForceId
    name: Line
    notice_url: Annotated[str, StringConstraints(pattern=r"^https?://[!-~]+$", max_length=500)]
    secrets: tuple[Secret, ...] = Field(min_length=1)
    reply_secrets: tuple[Secret, ...] = Field(min_length=1)
    callback: Number | None = None


class PlacementRow(Row):
    reference: Reference
    kind: Literal["foster", "residential", "semi-independent"]
    address: Text | None = None
    force: ForceId
    host_authority: AuthorityId | None = None


class PersonRow(Row):
    reference: Reference
    name: Line
    mobile: Number | None = None
    email: Email | None = None
    language: Literal["en", "cy"] = "en"


class CarerRow(Row):
    person: Reference
    placement: Reference


class ChildRow(Row):
    """A flag that nobody knows is null: rules count unknown as yes where that protects."""

    reference: Reference
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{1,4}$")]
    name: Line | None = None
    known_as: tuple[Line, ...] = ()
    sex: Line | None = None
    date_of_birth: date | None = None
    placement: Reference | None = None
    unaccompanied: bool | None = None
    modern_slavery_concern: bool | None = None
    subject_to_immigration_control: bool | None = None
    age_disputed: bool | None = None
    guardian_allocated: bool | None = None
    entered_care_at: AwareDatetime | None = None
    language: Language | None = None
    description: Text | None = None


class DirectoryRow(Row):
    """`from` equal to `to`, or 00:00 to 24:00, is the whole day; times are local."""

    model_config = ConfigDict(populate_by_name=True)

    role: DirectoryRole
    person: Reference
    order: int = Field(default=1, ge=1, le=99)
    child: Reference | None = None
    days: Days = Days.EVERY_DAY
    starts: Hour = Field(default=time(0), alias="from")
    ends: Hour = Field(default=time(0), alias="to")
    bank_holidays: bool = True


class AgencyRow(Row):
    """`verifies`: its word that one of this authority's children is back stands the missing escalations down."""

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
    secrets: tuple[Secret, ...] = Field(min_length=1)
    sources: tuple[Source, ...] = Field(min_length=1)
    types: tuple[Kind, ...] = Field(min_length=1)
    verifies: bool = False


TABLES: dict[str, type[Row]] = {
    "forces": ForceRow,
    "placements": PlacementRow,
    "people": PersonRow,
    "carers": CarerRow,
    "children": ChildRow,
    "directory": DirectoryRow,
    "agencies": AgencyRow,
}
"""In the order in which one refers to another."""
