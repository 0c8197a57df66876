"""Defines the missing notice that a control room is sent, version 1: the minimum of a first police report.

From the practice digest, section 10 (../shared/guidance/practice.md, kept beside the project).

A gap is sent as "unknown", named in `gaps`, and chased; no gap ever holds a notice up.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal, TypeAlias
from uuid import UUID

from pydantic import Field, create_model

from services.safeguarding.message import Contract
from services.safeguarding.notice_fields import PROFILE

UNKNOWN: Final = "unknown"
NONE: Final = "none"
IN_DETAILS: Final = "in details"
"""Too long for the body: it stands behind `details.url`."""
SHARING_BASIS: Final = (
    "Shared without consent where safety may be at risk (DfE statutory guidance on unaccompanied migrant children)"
)
Known: TypeAlias = Literal["yes", "no", "unknown"]


class NoticeType(StrEnum):
    """CAP 1.2's Alert, Update and Cancel. An update or a cancel refers to the notice that it changes."""

    NEW = "missing-notice.new"
    UPDATE = "missing-notice.update"
    CANCEL = "missing-notice.cancel"
    TEST = "connection.test"
    """About no child: whether notices arrive, and answers come back."""


class About(StrEnum):
    """What has happened."""

    MISSING = "missing"
    NEW_INFORMATION = "new-information"
    LOCATED = "located"
    RETURNED = "returned"
    RETURN_WITHDRAWN = "return-withdrawn"
    """The child is missing after all."""
    RETURN_CLAIMED = "return-claimed"
    """Somebody says that the child is back. Nobody has confirmed it: the search goes on, as after the next two."""
    RETRACTION_CLAIMED = "retraction-claimed"
    LOCATION_CLAIMED = "location-claimed"
    REPORT_RETRACTED = "report-retracted"
    SAME_CHILD = "same-child"
    """Two notices were of one child. The search goes on, for one."""
    RECOVERY_STEP = "recovery-step"
    """Who does what to recover the child, as a discussion agreed: `plan` and `said`."""
    LURING_SUSPECTED = "luring-suspected"
    LOCATION_ENQUIRY = "location-enquiry"
    REQUEST = "request"
    """Something is asked of the force, as `request` says."""
    CONNECTION = "connection"
    """Nothing has happened: the connection is tried."""


class _OfRecord(Contract):
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


if TYPE_CHECKING:
    _WithProfile = _OfRecord
else:
    _WithProfile = create_model(
        "_WithProfile",
        __base__=_OfRecord,
        **{name: (str, Field(UNKNOWN, description=each.says.meaning)) for name, each in PROFILE.items()},
    )


class Child(_WithProfile):
    pass


class Carer(Contract):
    name: str = UNKNOWN
    telephone: str = UNKNOWN


class Placement(Contract):
    kind: str = UNKNOWN
    address: str = UNKNOWN
    address_as_of: datetime | None = None
    """When the authority's system last confirmed the address; null: not known."""
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


class Report(Contract):
    """What is known of how the child went, in the words of whoever told it. What was not told as an answer is in
    `said`.

    In an update: what was told anew; the rest is unknown there, and stands as the notices before have it.
    """

    obtained_at: str = UNKNOWN
    """When the reporter said so, ISO 8601."""
    reporter: str = UNKNOWN
    """Name, or an agency's id."""
    reporter_role: str = UNKNOWN
    """`carer`, `agency`, or a professional's, such as `child.social-worker`."""
    reporter_telephone: str = UNKNOWN
    last_seen_at: str = UNKNOWN
    """ISO 8601, as the report says."""
    last_seen_place: str = UNKNOWN
    last_seen_by: str = UNKNOWN
    noticed_missing: str = UNKNOWN
    direction: str = UNKNOWN
    transport: str = UNKNOWN
    companions: str = UNKNOWN
    clothing: str = UNKNOWN
    items_taken: str = UNKNOWN
    why_worried: str = UNKNOWN
    out_of_character: str = UNKNOWN
    done_so_far: str = UNKNOWN
    """To find the child."""
    risks_now: str = UNKNOWN
    """Harm, exploitation, self-harm, danger to others, travel abroad: the reporter's fears."""
    shared_because: str = ""
    """Whether the child agreed that this is passed on, or who judged so. Empty: by the notice's own `sharing_basis`."""
    first_72_hours: Known = UNKNOWN
    """Of care, when the child was reported."""
    earlier_episodes: str = UNKNOWN
    """How many of this child police were told of through Safe Return, this force or another."""
    last_episode: str = UNKNOWN
    """The latest of them: the day on which police were last told of it, YYYY-MM-DD; `none` where there is none."""


class PlanStep(Contract):
    """A step to recover the child."""

    owner: str
    """`police.control-room`, `child.social-worker` and so on."""
    due_on: date | None


class Agreement(Contract):
    """The authority judged that it has good reason to send these fields, in this agreement, since this day."""

    reference: str
    since: date


class Details(Contract):
    """Opened by a person: a GET shows a page with a button, its POST what it stands for. Each opening is recorded."""

    url: str
    expires_at: datetime
    """The URL opens longer while the child is searched for, and no longer once the search is over."""
    holds: tuple[str, ...]
    """Which fields; `photograph` among them where there is one."""
    photograph_taken_on: str = UNKNOWN


class Risk(Contract):
    """Indicators. The grade is the force's to set; until it does, a child of this cohort is presumed at high risk."""

    presumed: Literal["high"] = "high"
    raised: bool = False
    """In the first 72 hours, or on a watch whose cause is not for this notice."""


class NoticeData(Contract):
    version: Literal["1"] = "1"
    notice: UUID
    """The same as the `webhook-id` header."""
    episode: UUID | None
    refers_to: UUID | None
    reference: str = ""
    """Ours, on the telephone: "C23, case TW8F9". The authority's mails, texts and pages say the same."""
    same_child: UUID | None = None
    """Another notice that you had, about the same absence of the same child as `refers_to`: two notices, one child."""
    about: About
    request: str | None = None
    exercise: bool
    handling: Literal["OFFICIAL-SENSITIVE"] = "OFFICIAL-SENSITIVE"
    sharing_basis: str = SHARING_BASIS
    sharing_agreement: Agreement | None = None
    sender: Sender
    child: Child | None
    """None while nobody knows which child it is: then `candidates` says whom it may be."""
    candidates: tuple[Child, ...] = ()
    interpreter_needed: Known = UNKNOWN
    """For the safe and well check: trained, and not linked to whoever the child was with."""
    placement: Placement
    risk: Risk
    missing_since: datetime | None = None
    """When the child was reported missing to us. None: nobody reported it, or this is about no absence."""
    returned_at: datetime | None = None
    """Since when the child is back. With `missing_since` it tells a force the whole of an absence new to it."""
    report: Report = Report()
    said: tuple[Said, ...] = ()
    plan: PlanStep | None = None
    details: Details | None = None
    gaps: tuple[str, ...]
    """Fields that are not known. A person is chasing those that a first report needs."""
    not_agreed: tuple[str, ...] = ()
    """Fields that are left out because the authority has not agreed with the force to send them."""


class Notice(Contract):
    """The body that travels, in Standard Webhooks' shape."""

    type: NoticeType
    timestamp: datetime
    data: NoticeData
