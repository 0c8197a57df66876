"""Declares the rows of an import, one class for each table. A row's `reference` is the authority's own name for it."""

from datetime import time
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, StringConstraints

from services.casework.policy.fields import AgencyId, Closed, Email, Hour, Kind, Language, Line, Number, Reference, Text
from services.safeguarding.dates import Day, Moment
from services.safeguarding.identifiers import AuthorityId, ForceId
from services.safeguarding.notice_fields import NoticeField
from services.safeguarding.roles import PLAN_OWNERS, Role
from services.safeguarding.working_time import Days

DirectoryRole = StrEnum(  # type: ignore[misc]
    "DirectoryRole", ["duty.social-worker", *(each for each in Role if each in PLAN_OWNERS - {Role.DUTY_WORKER})]
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


class ChildRow(DatedRow):
    """A flag that nobody knows is null: rules count unknown as yes where that protects. Without `code` the child keeps
    the one that it has, or is given a free one.
    """

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
    claimed_date_of_birth: Day | None = None
    legal_status: Line | None = None
    interpreter: Line | None = None
    ethnicity: Line | None = None
    build: Line | None = None
    marks: Text | None = None
    telephones: Line | None = None
    social_media: Line | None = None
    cards: Line | None = None
    associates: Text | None = None
    likely_places: Text | None = None
    usual_clothing: Text | None = None
    feared: Text | None = None
    medical: Text | None = None
    nrm_status: Line | None = None
    exploitation: Text | None = None
    self_harm: Text | None = None
    danger_to_others: Text | None = None
    likely_abroad: Text | None = None
    earlier_absences: Text | None = None


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


class SharingAgreementRow(Row):
    """What the force may be sent of a missing child, from a day to a day, both included. No field named: the whole
    notice. `basis` is the authority's sentence for why, which the force reads.
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
