"""Describes events of a child in care other than going missing: arrival, placement, transfer, age, identity; care plan
and claim with their stages, meetings, reviews and measures. Reasons, names and findings are in `words`.

An event's `matter` is what tells it from another of the same kind: one recorded again takes the place of the
earlier.
"""

from enum import StrEnum
from typing import Literal
from uuid import UUID

from services.safeguarding.child_events.events import Event, Told
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId
from services.safeguarding.roles import CareStep
from services.safeguarding.working_time import Day


class ChildPresented(Told, kind="child.presented.v1"):
    """An unaccompanied child, or one who may be a victim of modern slavery, has come to an authority's notice (S35,
    S36).
    """

    concern: bool | None = None
    """Whether there is any safeguarding or modern slavery concern. None, nobody knows yet, protects like yes."""
    trafficking_suspected: bool | None = None


class ChildAccommodated(Told, kind="child.accommodated.v1"):
    """Care has begun. After 24 hours accommodated under section 20 the child is looked after (S10)."""

    under: Literal["section-20", "police-protection", "court-order", "other"] = "section-20"


class ChildLeftCare(Told, kind="child.left-care.v1"):
    """The child is no longer looked after (S72). An open episode stays open."""

    why: Literal["came-of-age", "went-home", "moved-abroad", "other"] = "other"


class ChildApproaching18(Told, kind="child.approaching-18.v1"):
    """Casework's own word that the birthday nears; the protocol says it by itself where it knows the date (S50)."""


class ChildTurned18(Told, kind="child.turned-18.v1"):
    """Casework's own word; while age is disputed it waits (S32, S72)."""


class AgeDisputeOpened(Told, kind="age.dispute-opened.v1"):
    """Treated as a child until a lawful assessment has ended the dispute (S8, S25, S32)."""


class AgeDetermined(Told, kind="age.determined.v1"):
    """The findings, and whose they are, are in `words`."""

    found: Literal["child", "adult"]
    assessed_on: Day
    case_law_compliant: bool
    """An assessment that is not ends no dispute: a person looks into it."""


class PlacementChanged(Told, kind="placement.changed.v1"):
    """The child lives elsewhere, as the register holds it now (S45, S60). An open episode follows."""

    emergency: bool = False


class TransferProposed(Told, kind="transfer.proposed.v1"):
    """Under the National Transfer Scheme (S33, S34, S38)."""

    best_interests_considered: bool = False
    hindrance_accepted: bool = False
    """A named person has recorded, in `words`, why the transfer goes on although it hinders a section 47 enquiry."""


class ChildTransferred(Told, kind="child.transferred.v1"):
    """Another authority is responsible from now on: duties and clocks go along, and both authorities acknowledge (S39,
    S45).
    """

    to: AuthorityId | None = None
    """None where the receiver is not connected here: people of the present authority hand over by telephone."""
    outside_england: bool = False
    hindrance_accepted: bool = False


class EmergencyAccommodationRequested(Told, kind="emergency-accommodation.requested.v1"):
    """At any hour (S37, S63)."""

    bed_and_breakfast: bool = False


class PhotographRecorded(Told, kind="photograph.recorded.v1"):
    """A photograph is on file (S57). It is stale after 90 days (practice)."""

    taken_on: Day


class ProfileRecorded(Told, kind="profile.recorded.v1"):
    """Who cares for the child has said what police will ask if it goes missing, or that nothing has changed."""

    changed: bool
    photograph: bool
    """Whether they have one of the last three months."""


class ContactsChecked(Told, kind="contacts.checked.v1"):
    """A person has made sure that the child's carers and professionals are reached by what the register holds."""


class CarerAwarenessRecorded(Told, kind="carer.awareness-recorded.v1"):
    """A carer knows the child's risks, and what to do if it goes missing or is lured (S16, S23, S62)."""

    carer: PersonId | None = None
    """None: all who care for the child now."""
    how: Literal["practice", "briefing"] = "briefing"
    """A practice by text counts."""


class ChildIdentified(Told, kind="child.identified.v1"):
    """The provisional child of the subject is `child`, maybe of another report: the two cases become one (S45, S57)."""

    child: ChildId


class DutyHandOverAsked(Told, kind="duty.hand-over-asked.v1"):
    """The holder of a duty asks somebody else to take it. It stays with them until the next has said "I have it"."""

    duty: UUID
    to: PersonId


class AccessOverridden(Event, kind="access.overridden.v1"):
    """Somebody of another authority was told in an emergency who the child is. Why is in `words`; a manager of the
    child's authority reviews it.
    """

    account: str
    """The console's, of who asked."""


class EpisodeProtocolMoved(Told, kind="episode.protocol-moved.v1"):
    """An open episode moves from the protocol under which it opened to the one in force. The reason is in `words`."""

    episode: UUID


class MissingMeetingHeld(Told, kind="missing-meeting.held.v1"):
    """The meeting that a long or repeated absence called for; its record is in `words` (practice)."""


class Dated(Told):
    """Its rules count down to the day that it names."""

    on: Day | None = None
    """None: not known yet."""


class LeaveExpiring(Told, kind="leave.expiring.v1"):
    """Casework's own word that leave runs out; the protocol's dates say it by themselves where they know it (S75)."""

    expires_on: Day | None = None


class LeaveKind(StrEnum):
    REFUGEE_STATUS = "refugee-status"
    HUMANITARIAN_PROTECTION = "humanitarian-protection"
    UASC_LEAVE = "uasc-leave"
    OTHER = "other"


class LeaveGranted(Told, kind="leave.granted.v1"):
    """`expires_on` comes from the grant letter. A corrected birth date does not move it (S75)."""

    expires_on: Day | None = None
    """The last day of leave. None: the letter names none, and nothing runs out."""
    granted_on: Day | None = None
    leave: LeaveKind = LeaveKind.OTHER
    """With `granted_on`, the letter's date is set against the date that the law gives."""


class LeaveApplicationRecorded(Told, kind="leave.application-recorded.v1"):
    """An application. Valid and made by the last day of leave it ends the reminders while it is open (S75; section 3C,
    practice); late or invalid it ends nothing.
    """

    made_on: Day | None = None
    """None: on the event's own day."""
    valid: bool = True


class LeaveApplicationEnded(Told, kind="leave.application-ended.v1"):
    """Decided, withdrawn or found invalid: the clock runs again, and a refusal is a negative decision."""

    result: Literal["granted", "refused", "withdrawn", "invalid"]


class AsylumStage(StrEnum):
    REPRESENTATIVE = "representative"
    STATEMENT = "statement"
    CASE_REVIEW = "case-review"
    INTERVIEW = "interview"
    CURRENT_CIRCUMSTANCES_PART_2 = "current-circumstances-part-2"
    """Return is being considered: a watch opens (S19; practice)."""


class AsylumStageRecorded(Dated, kind="asylum.stage-recorded.v1"):
    """A stage of the claim, reached or to come (S18, S19, S50)."""

    stage: AsylumStage

    @property
    def matter(self) -> str:
        return self.stage


class NrmReferralRecorded(Told, kind="nrm.referral-recorded.v1"):
    """From now on treated as a victim (S26, S27; from the referral on: practice)."""

    needed: bool = True
    """False: somebody has checked, and there is nothing to refer. Why is in `words`."""


class AppealRightsExhausted(Told, kind="appeal-rights.exhausted.v1"):
    """No appeal is open and none can be made. Full support goes on while any claim is outstanding (S68, S79)."""

    lawful_basis: bool | None = None
    claim_outstanding: bool | None = None


class FamilyTracingRecorded(Told, kind="family-tracing.recorded.v1"):
    """The Home Office traces, or is asked not to (S47, S48). The system itself contacts no family."""


class FamilyContactProposed(Told, kind="family-contact.proposed.v1"):
    """The legal representative is asked first; a child's fear or distress stops it (S46-S48)."""

    fear_or_distress: bool | None = None


class ParentsDecisionRecorded(Told, kind="parents.decision-recorded.v1"):
    """A social worker has decided whether parents are told. Nothing of ours ever tells them (S48, practice)."""

    decision: Literal["tell", "withhold"]


class Level(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class RiskAssessmentRecorded(Told, kind="risk-assessment.recorded.v1"):
    """The risks of going missing and of a trafficker's influence, and when they are reviewed (S43)."""

    missing: Level
    trafficker_influence: Level
    review_on: Day


class ProtectiveMeasuresRecorded(Told, kind="protective-measures.recorded.v1"):
    """What helps the child to feel safe (S53, S58, S61). The end of 24 hour supervision is a date of risk."""

    supervision_until: Day | None = None


class LegalMeetingArranged(Dated, kind="legal-meeting.arranged.v1"):
    """Somebody goes with the child, and an interpreter is checked first (S42, S51)."""

    on: Day
    meeting: UUID | None = None
    """Where a child has several: the same id when one is moved."""

    @property
    def matter(self) -> str:
        return str(self.meeting or "")


class InterpreterChecked(Told, kind="interpreter.checked.v1"):
    """Trained, and not linked to exploiters (S42), for one meeting or one stage of the claim; else for the nearest."""

    trained: bool
    independent: bool
    meeting: UUID | None = None
    """As `legal-meeting.arranged` names it."""
    stage: AsylumStage | None = None
    """Where it names no meeting."""
    duty: UUID | None = None
    """As in `care-step.recorded`."""

    @property
    def matter(self) -> str:
        return str(self.meeting or self.stage or "")


class LegalAdviserVerified(Told, kind="legal-adviser.verified.v1"):
    """A solicitor, or registered with the Immigration Advice Authority, formerly OISC, at a level (S18, S51, S73).
    Level 1 may not act in an asylum matter.
    """

    qualification: Literal["solicitor", "oisc-1", "oisc-2", "oisc-3"]


class WatchTalkPlanned(Told, kind="watch.talk-planned.v1"):
    """The social worker has planned how and when to talk with the child, and has briefed the carer (S59, S62)."""


class ReviewDue(Dated, kind="review.due.v1"):
    """A review of the care plan, or a dated step of it (S43, S52, S55, S65, S69)."""

    review: Literal["needs", "placement", "pathway", "health-step", "education-step", "care-status"] = "needs"
    on: Day | None = None
    """None: now."""

    @property
    def matter(self) -> str:
        return self.review


class ReturnHomePlanned(Dated, kind="return-home.planned.v1"):
    """To the country of origin, voluntary or refused (S75-S77). Closes no episode."""

    voluntary: bool


class IndependentVisitorOffered(Told, kind="independent-visitor.offered.v1"):
    """Where declined, the child's reason is in `words` (S67)."""

    accepted: bool
    role_understood: bool


class CareStepRecorded(Told, kind="care-step.recorded.v1"):
    """A step that has no kind of its own was done."""

    step: CareStep
    duty: UUID | None = None
    """The duty whose form recorded it, which says which of several steps of a kind is meant."""


class ImmigrationStatusRecorded(Told, kind="immigration-status.recorded.v1"):
    """Somebody has found out whether the child is subject to immigration control, before the register says so."""

    subject_to_control: bool


class AdvocacyExplained(Told, kind="advocacy.explained.v1"):
    """The child knows of their right to an advocate; declining closes nothing (S66)."""

    accepted: bool
