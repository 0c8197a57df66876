"""Describes what happened: one class for each event of the requirements. The subject is the child.

With them, the codes of `codes.yaml` (what children go missing from and to, the languages of texts), and changes
among those who are to be told: somebody joins the directory, leaves it, or cannot be reached.
"""

from enum import StrEnum
from pathlib import Path
from typing import Literal, TypeAlias
from uuid import UUID

import yaml

from services.safeguarding.identifiers import AuthorityId, ChildId, ForceId, PersonId, PlacementId, WordsId
from services.safeguarding.message import Message, Topic
from services.safeguarding.roles import Role, Wording
from services.safeguarding.working_time import Day, Moment

WRITTEN = yaml.load(Path(__file__).with_name("codes.yaml").read_text(), yaml.CSafeLoader)
PushFactor = StrEnum("PushFactor", WRITTEN["push_factors"])  # type: ignore[misc]
PushFactor.__doc__ = "What a child goes missing from."
PullFactor = StrEnum("PullFactor", WRITTEN["pull_factors"])  # type: ignore[misc]
PullFactor.__doc__ = "What a child goes missing to."
TextLanguage = StrEnum("TextLanguage", WRITTEN["text_languages"])  # type: ignore[misc]
TextLanguage.__doc__ = """Those of children and carers here. It is shown to whoever signs in to read the text, and goes into no text and no
mail: a language comes close to saying where a child is from."""


class Event(Message, topic=Topic.CHILD_EVENTS):
    authority: AuthorityId
    words: tuple[WordsId, ...] = ()
    """What was said, kept encrypted in the register."""


class Told(Event):
    """An event that somebody told us of, rather than one that a deadline brought."""

    said_by: PersonId | None = None
    """None where the speaker is an agency's system or nobody we know."""
    corrects_event: UUID | None = None
    """The id of an earlier event of ours that this one corrects. Both stay on the record."""
    channel: Literal["text", "agency", "force", "console", "page", "mail"] = "agency"


class ToldOfEpisode(Told):
    """Whoever answers a telling of ours, or acts on an episode's page, speaks of that episode and of no later one."""

    episode: UUID | None = None
    """None: the open one; of a strategy discussion, the newest."""


class ChildReportedMissing(Told, kind="child.reported-missing.v1"):
    """Opens the child's missing episode, or adds to the open one (S13, S57, S62)."""

    status: Literal["missing", "away-without-authorisation"] = "missing"
    candidates: tuple[ChildId, ...] = ()
    """Where the subject is provisional: the children it may be. Police and a human are told at once, identity is asked
    afterwards.
    """
    placement: PlacementId | None = None
    last_seen_at: Moment | None = None


class ChildInformationReceived(Told, kind="child.information-received.v1"):
    """A sighting, a call, a new fact: an update to all who were notified (S35, S45)."""

    nature: Literal["sighting", "contact", "other"] = "other"


class Proof(StrEnum):
    """How somebody entitled has shown that it is so. Without proof nothing ends, is withdrawn or is weakened."""

    HANDSET = "handset"
    """A code that we texted to the carer's own handset came back from it, in answer to a plain question."""
    FORCE = "force"
    """A signed reply of the child's force."""
    AGENCY = "agency"
    """A signed event of an agency that is entitled to say so."""
    PERSON = "person"
    """A signed-in person confirmed it on a page that names the child."""
    WORD = "word"
    """The carer's word alone: only where the authority's own rules choose this weaker way."""


class ChildLocated(ToldOfEpisode, kind="child.located.v1"):
    """Whereabouts known, not back: nothing is stood down."""

    proof: Proof | None = None


class ChildReturned(ToldOfEpisode, kind="child.returned.v1"):
    """Back. Missing escalations stop and return clocks start; the episode stays open until its conditions are met."""

    proof: Proof | None = None
    """None: a claim, which stands nobody down."""


class ReportRetracted(ToldOfEpisode, kind="report.retracted.v1"):
    """What an earlier report said was not so: a false alarm, or a child who is not back after all."""

    retracts: Literal["missing", "return"]
    proof: Proof | None = None
    """As a return's: without it no report is taken back. That a child is not back after all needs none: it starts a
    search.
    """


class ChildReturnClaimed(ToldOfEpisode, kind="child.return-claimed.v1"):
    """Somebody says that the child is back, and has not proved it yet. Those who search hear it, and go on."""


class MissingRetractionClaimed(ToldOfEpisode, kind="missing.retraction-claimed.v1"):
    """Somebody says that the child was never missing, and has not proved it yet. The search goes on."""


class ChildLocationClaimed(ToldOfEpisode, kind="child.location-claimed.v1"):
    """Somebody says where the child is, and nobody entitled has confirmed it. The search goes on."""


class SafeAndWellCheckRecorded(ToldOfEpisode, kind="safe-and-well-check.recorded.v1"):
    """Police have spoken to the returned child. The fields are None where nobody said."""

    seen_by: Literal["police", "police-and-social-worker"] | None = None
    safe: bool | None = None
    hurt: bool | None = None


class ReturnInterviewRecorded(ToldOfEpisode, kind="return-interview.recorded.v1"):
    """Offered within 24 h; done within 72 h of return, or declined with a reason (the reason is in `words`)."""

    state: Literal["offered", "completed", "declined"]
    by: Literal["independent-provider", "social-worker", "other-professional"] | None = None
    independent: bool | None = None
    """Of those who care for the child."""
    interpreter: bool | None = None
    push: tuple[PushFactor, ...] = ()
    pull: tuple[PullFactor, ...] = ()
    covers: Literal["this-absence", "all-absences"] = "all-absences"
    """`this-absence`: earlier ones whose interview is still to be held wait for their own."""


class ChildLuringSuspected(Told, kind="child.luring-suspected.v1"):
    """Any exploitation concern (S22, S26, S57, S62)."""


class LocationEnquiryReceived(Told, kind="location.enquiry-received.v1"):
    """Somebody asked where a child is. Refused, logged, passed on; nothing is confirmed to the enquirer (S37)."""


class PoliceReply(Event):
    """What a force tells us of an episode."""

    force: ForceId
    episode: UUID | None = None
    reply: str
    """The id under which the force sent this, so that one reply is one event."""


class PoliceAcknowledged(PoliceReply, kind="police.acknowledged.v1"):
    """An officer has it. The officer's name and collar number are in `words`."""


class ReferenceKind(StrEnum):
    INCIDENT = "incident"
    MISSING_PERSON = "missing-person"
    INFORMATION_ONLY = "information-only"


class PoliceReferenceGiven(PoliceReply, kind="police.reference-given.v1"):
    """The force's own reference, kept in `words`."""

    reference_kind: ReferenceKind


class RiskGrade(StrEnum):
    NO_APPARENT_RISK = "no-apparent-risk"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class PoliceRiskGraded(PoliceReply, kind="police.risk-graded.v1"):
    """Set by police alone; until then a child of this cohort is presumed at high risk."""

    grade: RiskGrade
    review_at: Moment | None = None


class PoliceClosed(PoliceReply, kind="police.closed.v1"):
    """The force has closed its missing investigation."""


class PoliceNoticeHasGaps(Event, kind="police.notice-has-gaps.v1"):
    """A first notice, which may not have reached the force yet, lacks some of what a first report needs. Somebody asks
    for it; nothing waits for it.
    """

    force: ForceId
    episode: UUID
    gaps: tuple[str, ...]
    """Names of fields, as the notice has them."""


class PoliceListDiffers(Event, kind="police.list-differs.v1"):
    """The force's own list of open episodes is not ours. A person rings the force."""

    force: ForceId
    episode: UUID
    difference: Literal["not-with-police", "open-with-police-only", "no-list"]
    """We hold a child missing whom the force does not list; the force lists one who is back; no list came for a day."""


class PoliceReferenceTexted(ToldOfEpisode, kind="police.reference-texted.v1"):
    """A carer or duty worker passed on the reference that police gave by telephone; it is in `words`."""


HumanReason: TypeAlias = Literal[
    "not-understood",
    "unknown-sender",
    "police-officer",
    "picture-only",
    "asked-for-human",
    "opted-out",
    "which-child",
    "code-not-valid",
    "damaged",
    "in-danger",
    "still-unclear",
    "replies-spent",
]


class TextNeedsHuman(Told, kind="text.needs-human.v1"):
    """A text that nothing of ours understood, or whose sender is unknown. A person reads it (in `words`) and acts."""

    reason: HumanReason
    language: TextLanguage | None = None
    """The text's, where it was recognised and is not English: who reads it may need an interpreter."""


class ChildProvisional(Event, kind="child.provisional.v1"):
    """A report about a child we could not identify: a person finds out who it is."""

    candidates: tuple[ChildId, ...] = ()
    placement: PlacementId | None = None
    same_phone: ChildId | None = None
    """The child, sought now, about whom the same number texted within the hour before: perhaps this one."""
    same_phone_at: Moment | None = None
    """When it last did. Story time."""


class ChildRecordChanged(Told, kind="child.record-changed.v1"):
    """The register holds something new of the child: dates are reckoned anew (S45, S50)."""


class AsylumOutcome(StrEnum):
    """Paragraph 75's four outcomes."""

    REFUGEE_STATUS = "refugee-status"
    HUMANITARIAN_PROTECTION = "humanitarian-protection"
    UASC_LEAVE = "uasc-leave"
    """A refusal of asylum and a grant of leave at once: a negative decision by default."""
    REFUSED = "refused"


class AsylumDecisionRecorded(Told, kind="asylum.decision-recorded.v1"):
    """A decision has reached the authority (S59, S74-S76). The time to appeal runs from `sent_on`."""

    outcome: AsylumOutcome
    sent_on: Day | None = None
    """None: nobody knows yet, and somebody is asked; the decision comes again with `corrects`."""
    corrects: bool = False
    """The same decision with a corrected date: its periods are reckoned anew, and nobody is told a second time of a
    watch.
    """


class AppealDecided(Told, kind="appeal.decided.v1"):
    """A dismissed appeal is a negative decision of its own, never a repetition of the first."""

    result: Literal["allowed", "dismissed"]


class NrmDecisionRecorded(Told, kind="nrm.decision-recorded.v1"):
    """The national referral mechanism has decided. A negative decision does not end safeguarding (S26-S28)."""

    stage: Literal["reasonable-grounds", "conclusive-grounds"]
    positive: bool


class WatchReviewed(Told, kind="watch.reviewed.v1"):
    """A person has reviewed the child's heightened risk. The days alone never end a watch (S59)."""

    goes_on: bool


class Due(Event):
    """An event that the protocol wrote for itself into a deadline, and that the clock publishes at its time."""

    deadline: UUID
    version: int


class DutyStepDue(Due, kind="duty.step-due.v1"):
    """The time to answer is over: the duty's next step is due, unless it has been answered."""

    duty: UUID
    step: int


class RuleDue(Due, kind="rule.due.v1"):
    """A rule with a delay of its own, such as the 72 hours of a return interview, has come to its time."""

    rule: str
    episode: UUID | None = None
    wording: Wording | None = None
    role: Role | None = None
    """What is then told, and to whom: for pages that say what comes next."""


class ContactListed(Event, kind="contact.listed.v1"):
    """Somebody has come onto the directory. The envelope's subject is the person: no child has to do with it."""

    contact: PersonId


class ContactUnlisted(Event, kind="contact.unlisted.v1"):
    """Somebody is no longer in the directory."""

    contact: PersonId


class ShiftHandedOver(Event, kind="shift.handed-over.v1"):
    """Somebody on duty has written down for the next what is open and what was promised. The envelope's subject is who
    comes on; the note is in `words`.
    """

    contact: PersonId
    account: str
    """The console's, of who did it."""


class ShiftAccepted(Event, kind="shift.accepted.v1"):
    """Who comes on, or somebody in their name, has read the note and has the shift."""

    contact: PersonId
    account: str
    """The console's, of who did it."""


class ContactUnreachable(Event, kind="contact.unreachable.v1"):
    """Every way to reach this person was tried and failed."""

    person: PersonId | None = None
    role: str
