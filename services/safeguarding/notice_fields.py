"""What a police notice may say beside its frame: a force agrees to some of it or to all. The minimum of a first report (practice.md, section 10)."""

from enum import StrEnum

PROFILE = (
    "claimed_date_of_birth",
    "legal_status",
    "interpreter",
    "ethnicity",
    "build",
    "marks",
    "telephones",
    "social_media",
    "cards",
    "associates",
    "likely_places",
    "medical",
)
"""What is held of a child before it is ever missing (Philomena's part 1), in the register's words."""


class NoticeField(StrEnum):
    """As a register's import names them in a force's `agreed`."""

    CHILD_NAME = "child.name"
    CHILD_KNOWN_AS = "child.known_as"
    CHILD_DATE_OF_BIRTH = "child.date_of_birth"
    CHILD_AGE_DISPUTED = "child.age_disputed"
    CHILD_SEX = "child.sex"
    CHILD_LANGUAGE = "child.language"
    CHILD_DESCRIPTION = "child.description"
    CHILD_UNACCOMPANIED = "child.unaccompanied"
    CHILD_MODERN_SLAVERY_CONCERN = "child.modern_slavery_concern"
    CHILD_SUBJECT_TO_IMMIGRATION_CONTROL = "child.subject_to_immigration_control"
    CHILD_GUARDIAN_ALLOCATED = "child.guardian_allocated"
    CHILD_IN_CARE_SINCE = "child.in_care_since"
    CHILD_CLAIMED_DATE_OF_BIRTH = "child.claimed_date_of_birth"
    CHILD_LEGAL_STATUS = "child.legal_status"
    CHILD_INTERPRETER = "child.interpreter"
    CHILD_ETHNICITY = "child.ethnicity"
    CHILD_BUILD = "child.build"
    CHILD_MARKS = "child.marks"
    CHILD_TELEPHONES = "child.telephones"
    CHILD_SOCIAL_MEDIA = "child.social_media"
    CHILD_CARDS = "child.cards"
    CHILD_ASSOCIATES = "child.associates"
    CHILD_LIKELY_PLACES = "child.likely_places"
    CHILD_MEDICAL = "child.medical"
    PHOTOGRAPH = "photograph"
    CANDIDATES = "candidates"
    PLACEMENT_KIND = "placement.kind"
    PLACEMENT_ADDRESS = "placement.address"
    PLACEMENT_CARERS = "placement.carers"
    PLACEMENT_HOST_AUTHORITY = "placement.host_authority"
    REPORT = "report"
    SAID = "said"


CHASED = frozenset(
    {
        "child",
        "child.name",
        "child.date_of_birth",
        "child.sex",
        "child.unaccompanied",
        "child.modern_slavery_concern",
        "child.legal_status",
        "photograph",
        "placement.address",
        "placement.carers",
    }
)
"""Gaps that a person is asked to fill: what practice calls required and the register holds. What a report itself should have
said (last seen, clothing, why worried) is asked for where it is said: by the control room, of the carer whose number the notice gives.
"""
