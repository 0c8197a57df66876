"""The words a protocol may use, beside roles, channels and wordings: what sets a rule off, what it may ask, what closes an episode."""

from enum import StrEnum


class Trigger(StrEnum):
    """What a rule may wait for: an event's kind without its version, or a reading of one that decides what it means for the child."""

    CHILD_REPORTED_MISSING = "child.reported-missing"
    """The report that opened an episode."""
    REPORT_ADDED = "report.added"
    """A further report of a child whose episode is open already."""
    REPORT_LATE = "report.late"
    """A report older than a return that came without any episode: the child was missing, and nobody was told."""
    CHILD_INFORMATION_RECEIVED = "child.information-received"
    CHILD_LOCATED = "child.located"
    CHILD_RETURNED = "child.returned"
    """Back, said by somebody entitled to say so."""
    RETURN_UNVERIFIED = "return.unverified"
    """Somebody else says that the child is back, or the word does not fit what was said later. Stands nobody down."""
    RETURN_RETRACTED = "return.retracted"
    MISSING_RETRACTED = "missing.retracted"
    RETRACTION_UNVERIFIED = "retraction.unverified"
    SAFE_AND_WELL_CHECK_RECORDED = "safe-and-well-check.recorded"
    RETURN_INTERVIEW_OFFERED = "return-interview.offered"
    RETURN_INTERVIEW_DONE = "return-interview.done"
    """Completed, or declined with a reason."""
    EPISODE_CLOSED = "episode.closed"
    CHILD_LURING_SUSPECTED = "child.luring-suspected"
    LOCATION_ENQUIRY_RECEIVED = "location.enquiry-received"
    POLICE_ACKNOWLEDGED = "police.acknowledged"
    POLICE_REFERENCE_GIVEN = "police.reference-given"
    """By the force, or by a carer who passed it on."""
    POLICE_RISK_GRADED = "police.risk-graded"
    POLICE_CLOSED = "police.closed"
    TEXT_NEEDS_HUMAN = "text.needs-human"
    CHILD_PROVISIONAL = "child.provisional"
    CONTACT_UNREACHABLE = "contact.unreachable"
    MESSAGE_DEAD_LETTERED = "message.dead-lettered"


class Question(StrEnum):
    """What a rule's `when` may ask. The answer is yes, no or unknown."""

    CHILD_UNACCOMPANIED = "child.unaccompanied"
    CHILD_MODERN_SLAVERY_CONCERN = "child.modern-slavery-concern"
    CHILD_SUBJECT_TO_IMMIGRATION_CONTROL = "child.subject-to-immigration-control"
    CHILD_AGE_DISPUTED = "child.age-disputed"
    CHILD_GUARDIAN_ALLOCATED = "child.guardian-allocated"
    CHILD_PLACED_OUT_OF_AREA = "child.placed-out-of-area"
    CHILD_AGE_UNDER = "child.age-under"
    """Takes a number of years. While age is disputed the youngest plausible birth date governs."""
    CHILD_IN_FIRST_72_HOURS = "child.in-first-72-hours"
    CHILD_PROVISIONAL = "child.provisional"
    CHILD_MISSING = "child.missing"
    """An episode is open and nobody knows where the child is."""
    CHILD_NOT_BACK = "child.not-back"
    """Missing or located: not returned."""
    CHILD_MISSING_AGAIN = "child.missing-again"
    """A later episode is open: its own return will ask for check and interview, and one may cover both (practice)."""
    POLICE_ACCEPTED = "police.accepted"
    """The force's system has taken this episode's missing notice."""
    POLICE_REFERENCE_KNOWN = "police.reference-known"
    SAFE_AND_WELL_RECORDED = "safe-and-well-check.recorded"
    RETURN_INTERVIEW_OFFERED = "return-interview.offered"
    RETURN_INTERVIEW_DONE = "return-interview.done"


class Condition(StrEnum):
    """What must have happened before an episode may close. Never time."""

    SAFE_AND_WELL_CHECK = "safe-and-well-check"
    RETURN_INTERVIEW = "return-interview"
    POLICE_CLOSED = "police-closed"
