"""The missing notice: what a control room is sent, version 1. The minimum of a first police report (practice.md, section 10).

A gap is sent as "unknown", named in `gaps`, and chased; no gap ever holds a notice up.
"""

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, TypeAlias
from uuid import UUID

from services.safeguarding.message import Contract

UNKNOWN: Final = "unknown"
Known: TypeAlias = Literal["yes", "no", "unknown"]


class NoticeType(StrEnum):
    """CAP 1.2's Alert, Update and Cancel. An update or a cancel refers to the notice that it changes."""

    NEW = "missing-notice.new"
    UPDATE = "missing-notice.update"
    CANCEL = "missing-notice.cancel"


class About(StrEnum):
    """What has happened."""

    MISSING = "missing"
    NEW_INFORMATION = "new-information"
    LOCATED = "located"
    RETURNED = "returned"
    RETURN_WITHDRAWN = "return-withdrawn"
    """The child is missing after all."""
    REPORT_RETRACTED = "report-retracted"
    LURING_SUSPECTED = "luring-suspected"
    LOCATION_ENQUIRY = "location-enquiry"
    REQUEST = "request"
    """Something is asked of the force, as `request` says."""


class Child(Contract):
    name: str = UNKNOWN
    known_as: tuple[str, ...] = ()
    date_of_birth: str = UNKNOWN
    """YYYY-MM-DD, as recorded."""
    age_disputed: Known = UNKNOWN
    sex: str = UNKNOWN
    language: str = UNKNOWN
    description: str = UNKNOWN
    unaccompanied: Known = UNKNOWN
    modern_slavery_concern: Known = UNKNOWN
    subject_to_immigration_control: Known = UNKNOWN
    guardian_allocated: Known = UNKNOWN
    in_care_since: str = UNKNOWN


class Carer(Contract):
    name: str = UNKNOWN
    telephone: str = UNKNOWN


class Placement(Contract):
    kind: str = UNKNOWN
    address: str = UNKNOWN
    carers: tuple[Carer, ...] = ()
    host_authority: str = UNKNOWN


class Sender(Contract):
    """The responsible authority, and its call-back at any hour."""

    authority: str = UNKNOWN
    name: str = UNKNOWN
    telephone: str = UNKNOWN


class Said(Contract):
    """What was told us, word for word."""

    words: str
    at: datetime


class Risk(Contract):
    """Indicators. The grade is the force's to set; until it does, a child of this cohort is presumed at high risk."""

    presumed: Literal["high"] = "high"
    raised: bool = False
    """In the first 72 hours, or on a watch whose cause is not for this notice (S36, S59)."""


class NoticeData(Contract):
    version: Literal["1"] = "1"
    notice: UUID
    """The same as the `webhook-id` header."""
    episode: UUID | None
    refers_to: UUID | None
    about: About
    request: str | None = None
    exercise: bool
    handling: Literal["OFFICIAL-SENSITIVE"] = "OFFICIAL-SENSITIVE"
    sharing_basis: str = "Shared without consent where safety may be at risk (Care of UMC guidance 2017, paragraph 35)"
    sender: Sender
    child: Child | None
    """None while nobody knows which child it is: then `candidates` says whom it may be."""
    candidates: tuple[Child, ...] = ()
    placement: Placement
    risk: Risk
    said: tuple[Said, ...] = ()
    gaps: tuple[str, ...]


class Notice(Contract):
    """The body that travels, in Standard Webhooks' shape."""

    type: NoticeType
    timestamp: datetime
    data: NoticeData
