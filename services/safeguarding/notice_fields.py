"""Lists the optional fields of a police notice. An authority agrees with a force on some or on all of them.

From the practice digest, section 10 (../shared/guidance/practice.md, kept beside the project).
"""

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
    "nrm_status",
    "exploitation",
    "self_harm",
    "danger_to_others",
    "likely_abroad",
    "earlier_absences",
)
"""What is held of a child before it is ever missing (Philomena's part 1), in the register's words."""


class ReportQuestion(StrEnum):
    """The questions of a control room to a reporter (College of Policing, APP). An answer is words of the
    register's, kept with its question.
    """

    LAST_SEEN_PLACE = "last_seen_place"
    LAST_SEEN_BY = "last_seen_by"
    NOTICED_MISSING = "noticed_missing"
    """When and how it was noticed that the child is missing."""
    DIRECTION = "direction"
    TRANSPORT = "transport"
    COMPANIONS = "companions"
    CLOTHING = "clothing"
    ITEMS_TAKEN = "items_taken"
    """A bag, a telephone, money, papers, medicine."""
    WHY_WORRIED = "why_worried"
    OUT_OF_CHARACTER = "out_of_character"
    DONE_SO_FAR = "done_so_far"
    """To find the child."""
    RISKS_NOW = "risks_now"
    """Why the child may come to harm, be exploited, harm itself or others, or be taken abroad."""
    REPORTER = "reporter"
    """Name and role of the reporter, if it is not the person of the register."""
    REPORTER_TELEPHONE = "reporter_telephone"


class NoticeField(StrEnum):
    """As an authority's sharing agreement names them."""

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
    CHILD_NRM_STATUS = "child.nrm_status"
    CHILD_EXPLOITATION = "child.exploitation"
    CHILD_SELF_HARM = "child.self_harm"
    CHILD_DANGER_TO_OTHERS = "child.danger_to_others"
    CHILD_LIKELY_ABROAD = "child.likely_abroad"
    CHILD_EARLIER_ABSENCES = "child.earlier_absences"
    PHOTOGRAPH = "photograph"
    CANDIDATES = "candidates"
    PLACEMENT_KIND = "placement.kind"
    PLACEMENT_ADDRESS = "placement.address"
    PLACEMENT_CARERS = "placement.carers"
    PLACEMENT_HOST_AUTHORITY = "placement.host_authority"
    REPORT = "report"
    SAID = "said"


LEAST = frozenset(
    {
        NoticeField.CHILD_NAME,
        NoticeField.CHILD_KNOWN_AS,
        NoticeField.CHILD_DATE_OF_BIRTH,
        NoticeField.CHILD_SEX,
        NoticeField.CHILD_LANGUAGE,
        NoticeField.CHILD_DESCRIPTION,
        NoticeField.CHILD_BUILD,
        NoticeField.CHILD_MARKS,
        NoticeField.PHOTOGRAPH,
        NoticeField.CANDIDATES,
        NoticeField.PLACEMENT_KIND,
        NoticeField.PLACEMENT_ADDRESS,
        NoticeField.PLACEMENT_CARERS,
        NoticeField.REPORT,
        NoticeField.SAID,
    }
)
"""What a force is sent where no agreement is in force: who is missing, how to recognise the child, where from, what was
reported. Nothing of health, immigration, trafficking or earlier history.
"""
CHASED = frozenset(
    {
        "sender.telephone",
        "child",
        "child.name",
        "child.date_of_birth",
        "child.age_disputed",
        "child.sex",
        "child.legal_status",
        "child.unaccompanied",
        "child.modern_slavery_concern",
        "child.subject_to_immigration_control",
        "child.guardian_allocated",
        "child.nrm_status",
        "child.exploitation",
        "child.self_harm",
        "child.danger_to_others",
        "child.likely_abroad",
        "child.earlier_absences",
        "child.in_care_since",
        "child.medical",
        "photograph",
        "placement.address",
        "placement.carers",
        "placement.host_authority",
        "report.obtained_at",
        "report.reporter_role",
        "report.last_seen_at",
        *(f"report.{each}" for each in ReportQuestion),
    }
)
"""Gaps that a person is asked to fill: those that practice requires of a reporter or the authority's files."""
