"""Defines what a force sends, version 1, as JSON over HTTP: its reply to a notice, its daily list of open episodes."""

from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from services.safeguarding.child_events.events import ReferenceKind, RiskGrade
from services.safeguarding.dates import Moment

ONE_LINE, NO_NUL = r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$", r"^[^\x00]*$"
IN_WORDS = {
    ONE_LINE: "One line is needed, without a line break or another control character",
    NO_NUL: "No NUL character may be in it",
}
"""What a pattern asks for, since nobody reads it off."""
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=120, pattern=ONE_LINE)]
"""One line, so that a force's words cannot look like a line of ours."""
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000, pattern=NO_NUL)]


class ReplyType(StrEnum):
    ACKNOWLEDGED = "police.acknowledged"
    REFERENCE_GIVEN = "police.reference-given"
    RISK_GRADED = "police.risk-graded"
    CLOSED = "police.closed"
    INFORMATION = "police.information"
    """A sighting, a contact or other news for the search, in `words`."""
    LOCATED = "police.located"
    RETURNED = "police.returned"
    SAFE_AND_WELL_CHECKED = "police.safe-and-well-checked"


class Part(BaseModel):
    """Fields that we do not know are ignored."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Officer(Part):
    name: Line
    collar_number: Line


class ReplyData(Part):
    """A reply of any type with an officer or a reference acknowledges the notice: a person there has it."""

    notice: UUID
    episode: UUID | None = None
    officer: Officer | None = None
    reference: Line | None = None
    reference_kind: ReferenceKind = ReferenceKind.INCIDENT
    grade: RiskGrade | None = None
    review_at: Moment | None = None
    words: Text | None = None

    @property
    def says_who_has_it(self) -> bool:
        """It names an officer who has it, or a reference under which it is recorded. News alone does neither."""
        return self.officer is not None or self.reference is not None


NEEDED: dict[ReplyType, tuple[str, ...]] = {
    ReplyType.ACKNOWLEDGED: ("officer",),
    ReplyType.REFERENCE_GIVEN: ("reference",),
    ReplyType.RISK_GRADED: ("grade",),
    ReplyType.INFORMATION: ("words",),
}


class Reply(Part):
    """`timestamp` is when the force says that it happened, with its zone. Refused are: `police.located`,
    `police.returned` and `police.safe-and-well-checked` from before the child was reported missing (the notice's
    `missing_since`), and any but `police.acknowledged`, `police.reference-given` and `police.information` in the
    future. Clocks may be five minutes apart.
    """

    type: ReplyType
    timestamp: Moment
    data: ReplyData

    @model_validator(mode="after")
    def _has_what_its_type_needs(self) -> "Reply":
        for name in NEEDED.get(self.type, ()):
            if getattr(self.data, name) is None:
                raise ValueError(f"data.{name}: {self.type} needs it")
        return self


class OpenEpisode(Part):
    """`episode` as the notices named it; `reference` is the force's own, and is not needed."""

    episode: UUID
    reference: Line | None = None


class ListData(Part):
    open: Annotated[tuple[OpenEpisode, ...], Field(max_length=5000)]


class OpenList(Part):
    """Only episodes that came from Safe Return. An empty list says that the force holds none open."""

    type: Literal["police.open-list"]
    timestamp: Moment
    data: ListData
