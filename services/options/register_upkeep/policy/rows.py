"""Declares the rows of an import, one class for each table, and the types of their fields, which agencies' events
share.

A row's `reference` is the authority's own name for it. A field's error names the correct form, never the value.
"""

import binascii
from base64 import b64decode
from collections.abc import Mapping
from datetime import time
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, Literal

import idna
import phonenumbers
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    WithJsonSchema,
    create_model,
)

from services.casework.policy import Reference, Text
from services.safeguarding.identifiers import AuthorityId, ForceId
from services.safeguarding.message import KIND
from services.safeguarding.notice_fields import PROFILE, NoticeField
from services.safeguarding.roles import ROLES, lines_of
from services.safeguarding.working_time import Day, Days, Moment

OWN_SOURCES = "/safe-return/"
EMAIL_MOST = 254
SECRET_BYTES = 24
KEY_BYTES = frozenset({32, 64})
"""Of an Ed25519 key: a private one may come with its public half behind it."""


class Closed(BaseModel):
    """Has no other fields, and its errors do not repeat what was sent."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


def _number(value: str) -> str:
    wanted = "a number in international form is needed, such as +447700900100"
    try:
        parsed = phonenumbers.parse(value)
    except phonenumbers.NumberParseException:
        raise ValueError(wanted) from None
    if phonenumbers.format_number(
        parsed, phonenumbers.PhoneNumberFormat.E164
    ) != value or not phonenumbers.is_possible_number(parsed):
        raise ValueError(wanted)
    return value


def _email(value: str) -> str:
    """With its domain in ASCII. A mailbox must be ASCII, since relays need not support RFC 6531."""
    mailbox, _, domain = value.rpartition("@")
    if not mailbox.isascii():
        raise ValueError("a mail address whose part before the @ has letters without accents alone is needed")
    if domain.isascii():
        return value
    wanted = "a mail address whose domain can be written in DNS is needed"
    try:
        address = f"{mailbox}@{idna.encode(domain, uts46=True).decode()}"
    except idna.IDNAError:
        raise ValueError(wanted) from None
    if len(address) > EMAIL_MOST:
        raise ValueError(wanted)
    return address


def _key(value: str) -> str:
    kind, _, encoded = value.partition("_")
    try:
        length = len(b64decode(encoded, validate=True))
    except binascii.Error:
        length = 0
    if (length < SECRET_BYTES) if kind == "whsec" else (length not in KEY_BYTES):
        wanted = (
            "whsec_ and the base64 of at least 24 bytes, or an Ed25519 key (whsk_ of ours, whpk_ of theirs), is needed"
        )
        raise ValueError(wanted)
    return value


def _certificates(value: str) -> str:
    try:
        load_pem_x509_certificates(value.encode())
    except ValueError:
        raise ValueError("one or more certificates in PEM are needed") from None
    return value


def _certificate_with_key(value: str) -> str:
    try:
        load_pem_private_key(value.encode(), None)
    except (ValueError, TypeError):
        raise ValueError("a certificate in PEM and its private key, without a password, are needed") from None
    return _certificates(value)


def _kind(value: str) -> str:
    if KIND.match(value) is None:
        raise ValueError("a kind of event is needed, such as child.reported-missing.v1")
    return value


def _foreign(value: str) -> str:
    if value.startswith(OWN_SOURCES):
        raise ValueError(f"{OWN_SOURCES} is Safe Return's own")
    return value


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*$")
]
Number = Annotated[str, AfterValidator(_number), Field(description="E.164.", examples=["+447700900100"])]
Email = Annotated[
    str,
    StringConstraints(pattern=r"^[^@\s\x00]+@[^@\s\x00]+\.[^@\s\x00]+$", max_length=EMAIL_MOST),
    AfterValidator(_email),
]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]
SigningKey = Annotated[
    str, StringConstraints(pattern=r"^(whsec|whsk)_[A-Za-z0-9+/]+={0,2}$", max_length=200), AfterValidator(_key)
]
"""Signs what we send: whsec_ is known to both sides, whsk_ to us alone (the other side has its whpk_)."""
VerifyingKey = Annotated[
    str, StringConstraints(pattern=r"^(whsec|whpk)_[A-Za-z0-9+/]+={0,2}$", max_length=200), AfterValidator(_key)
]
"""Verifies what the other side sends."""
Certificates = Annotated[
    str, StringConstraints(max_length=20_000), AfterValidator(_certificates), Field(description="PEM.")
]
CertificateWithKey = Annotated[str, StringConstraints(max_length=20_000), AfterValidator(_certificate_with_key)]
AgencyId = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)]
Hour = Annotated[
    time,
    BeforeValidator(lambda value: "00:00" if value == "24:00" else value),
    WithJsonSchema(
        {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$", "description": "Local time."}
    ),
]
Source = Annotated[str, StringConstraints(pattern=r"^[!-~]+$", max_length=200), AfterValidator(_foreign)]
Kind = Annotated[str, AfterValidator(_kind), Field(examples=["child.reported-missing.v1"])]


DirectoryRole = StrEnum(  # type: ignore[misc]
    "DirectoryRole",
    list(dict.fromkeys(line for role, each in ROLES.items() if each.held_by == "directory" for line in lines_of(role))),
)
DirectoryRole.__doc__ = "The roles on the directory. `duty.worker` is not one: the first two fill it, by hour."


class Row(Closed):
    @property
    def named(self) -> str:
        """The name by which a reader of a fault finds the row."""
        return str(getattr(self, "reference", getattr(self, "id", "")))

    @property
    def key(self) -> str:
        """Unique within the table."""
        return self.named


class AuthorityRow(Row):
    """`bridge`: how a strategy discussion is joined, such as a telephone bridge with its PIN or an https link. Left
    out: through the duty line. `retention`: for how many days it keeps a record, where that is not the usual time. Left
    out: as before.
    """

    id: AuthorityId
    name: Line
    duty_line: Number | None = None
    bridge: Line | None = None
    retention: dict[str, int] | None = None


class DatedRow(Row):
    """`as_of`: when the sender's system had the row so; the register keeps the latest of each row. Left out: now."""

    as_of: Moment | None = None


class PlacementRow(DatedRow):
    """Where children live. `host_authority`: in whose area that is, the authority's own included."""

    reference: Reference
    kind: Literal["foster", "residential", "semi-independent"]
    address: Text | None = None
    force: ForceId
    host_authority: AuthorityId | None = None


class PersonRow(DatedRow):
    """A carer, somebody of the directory, or both. Who has neither `mobile` nor `email` is not reached."""

    reference: Reference
    name: Line
    mobile: Number | None = None
    email: Email | None = None
    language: Literal["en", "cy"] = "en"


class CarerRow(DatedRow):
    """Cares for the children of the placement, and may text about them. `ended`: does so no longer."""

    person: Reference
    placement: Reference
    ended: bool = False

    @property
    def key(self) -> str:
        return f"{self.person} {self.placement}"


class _ChildOfRecord(DatedRow):
    reference: Reference
    code: Annotated[str, StringConstraints(pattern=r"^[A-Z][0-9]{1,4}$")] | None = None
    name: Line | None = None
    known_as: tuple[Line, ...] = ()
    sex: Line | None = None
    date_of_birth: Day | None = None
    placement: Reference | None = None
    unaccompanied: bool | None = None
    modern_slavery_concern: bool | None = None
    subject_to_immigration_control: bool | None = None
    age_disputed: bool | None = None
    guardian_allocated: bool | None = None
    entered_care_at: Moment | None = None
    language: Language | None = None
    description: Text | None = None


PROFILE_TYPES: Mapping[str | None, Any] = {"line": Line, "text": Text, "day": Day}
if TYPE_CHECKING:
    _ChildWithProfile = _ChildOfRecord
else:
    _ChildWithProfile = create_model(
        "_ChildWithProfile",
        __base__=_ChildOfRecord,
        **{name: (PROFILE_TYPES[each.kind] | None, None) for name, each in PROFILE.items()},
    )


class ChildRow(_ChildWithProfile):
    """A flag that nobody knows is null: rules count unknown as yes where that protects. Without `code` the child keeps
    the one that it has, or is given a free one.
    """


class DirectoryRow(Row):
    """`from` equal to `to`, or 00:00 to 24:00, is the whole day; times are local."""

    model_config = ConfigDict(populate_by_name=True)

    role: DirectoryRole
    person: Reference
    order: int = Field(default=1, ge=1, le=99)
    child: Reference | None = None
    days: Days = Days.EVERY_DAY
    starts: Hour = Field(default=time(0), alias="from", json_schema_extra={"default": "00:00"})
    ends: Hour = Field(default=time(0), alias="to", json_schema_extra={"default": "00:00"})
    bank_holidays: bool = True


class SharingAgreementRow(Row):
    """What the force may be sent of a missing child, from a day to a day, both included. No field named: the
    least that finds a child. `basis` is the authority's sentence for why, which the force reads.
    """

    model_config = ConfigDict(populate_by_name=True)

    reference: Reference
    force: ForceId
    fields: tuple[NoticeField, ...] = ()
    basis: Line | None = None
    from_on: Day = Field(alias="from")
    until_on: Day | None = Field(default=None, alias="until")


class AgencyAgreementRow(Row):
    """What an agency may say of the authority's children. `verifies`: its word that a child is back, or was never
    missing, ends the escalations.
    """

    id: AgencyId
    types: tuple[Kind, ...] = Field(min_length=1)
    verifies: bool = False


TABLES: dict[str, type[Row]] = {
    "placements": PlacementRow,
    "people": PersonRow,
    "carers": CarerRow,
    "children": ChildRow,
    "directory": DirectoryRow,
    "sharing_agreements": SharingAgreementRow,
    "agencies": AgencyAgreementRow,
}
"""In the order in which one refers to another."""
FED = tuple(name for name, row in TABLES.items() if issubclass(row, DatedRow))
"""Tables of which single rows can be sent."""
