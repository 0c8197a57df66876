"""Holds what rules may ask of the register about a child. No name, number, address or status in words."""

from datetime import date, datetime

from pydantic import BaseModel, ConfigDict

from services.safeguarding.identifiers import AuthorityId, ForceId, PersonId, PlacementId, WordsId


class Facts(BaseModel):
    """None means unknown, never "no". Dates without a time are days in England."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    authority: AuthorityId
    """The authority that is responsible; of a provisional child, the reporter's."""
    force: ForceId | None = None
    """The force of the placement."""
    placement: PlacementId | None = None
    host_authority: AuthorityId | None = None
    adult_on: date | None = None
    """The 18th birthday; while age is disputed, of the youngest plausible birth date. Rules have no other."""
    unaccompanied: bool | None = None
    modern_slavery_concern: bool | None = None
    subject_to_immigration_control: bool | None = None
    age_disputed: bool | None = None
    guardian_allocated: bool | None = None
    entered_care_at: datetime | None = None
    carers: tuple[PersonId, ...] | None = None
    """Those who care for the child in its placement now."""
    unlike_references: frozenset[WordsId] = frozenset()
    """The child's earlier references of police that are not the one that this event gives."""
