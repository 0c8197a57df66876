"""Describes the decision about a text: acts, claims to be confirmed, and the answer, which names the template of the
reply.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal, TypeAlias
from uuid import UUID

from services.carers.policy.context import ClaimKind, OpenClaim, Question, Standing, TextContext
from services.safeguarding.child_events.events import Told
from services.safeguarding.duty.duties import DutyAcknowledged
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId
from services.safeguarding.message import Message


class Answer(StrEnum):
    """A template in `messages/`, the gravest first. Each says only what has happened by now, and what to do next."""

    NOT_LIVE = "not-live"
    """Nobody was told, and nobody will be: who is to be rung instead."""
    DANGER = "danger"
    """A life is in danger now."""
    MISSING_SAME = "missing-same"
    """This phone texted about a child who is sought, and may mean that one."""
    MISSING_WHICH = "missing-which"
    MISSING_OTHER_CODE = "missing-other-code"
    """A carer named a code that none of their children has."""
    MISSING_ALIKE = "missing-alike"
    MISSING_NO_FORCE = "missing-no-force"
    MISSING_BY_CODE = "missing-by-code"
    MISSING_NO_SUCH_CODE = "missing-no-such-code"
    MISSING_WITHOUT_CODE = "missing-without-code"
    MISSING = "missing"
    CLAIM_VOIDED = "claim-voided"
    """Somebody else had said that the child is back: it counts no more."""
    MISSING_AGAIN = "missing-again"
    MISSING_NAMED = "missing-named"
    NOT_BACK = "not-back"
    BACK_WHICH = "back-which"
    BACK_EACH = "back-each"
    """Several are missing and none is named: a code for each."""
    BACK_CLAIMED = "back-claimed"
    FALSE_ALARM_CLAIMED = "false-alarm-claimed"
    FALSE_ALARM_UNREPORTED = "false-alarm-unreported"
    """A false alarm, though nobody had reported the child: there is nothing to confirm."""
    BACK_UNREPORTED = "back-unreported"
    """Back, though nobody had reported the child."""
    SAY_FALSE_ALARM = "say-false-alarm"
    """It seems to take a report back, and says more than FALSE ALARM: nothing is claimed."""
    CODE_WRONG = "code-wrong"
    CODE_VOID = "code-void"
    """Somebody has said since that the child is not back."""
    CODES_HELD = "codes-held"
    """Too many wrong codes came from this number: no code counts for now, and a person rings."""
    CONFIRM_PLAINLY = "confirm-plainly"
    """The code came among other words: the sender is asked for the code alone."""
    BACK = "back"
    BACK_BY_WORD = "back-by-word"
    BACK_ALREADY = "back-already"
    FALSE_ALARM = "false-alarm"
    LURE = "lure"
    LOCATED = "located"
    LOCATED_UNREPORTED = "located-unreported"
    WHICH = "which"
    NO_REPORT_OPEN = "no-report-open"
    """What is told of a child whom nobody has reported: it is kept, and police are not told."""
    INFORMATION = "information"
    REFERENCE = "reference"
    REFERENCE_WITHOUT_NUMBER = "reference-without-number"
    ENQUIRY = "enquiry"
    IDENTIFIED = "identified"
    NOT_IDENTIFIED = "not-identified"
    NO_SUCH_CODE = "no-such-code"
    ALIKE = "alike"
    DECLINED = "declined"
    """Somebody on duty refuses: what they were told counts as unanswered."""
    ASKED_PERSON = "asked-person"
    """They ask something that a person must answer."""
    HUMAN = "human"
    """The first unclear text: is a child missing?"""
    KEPT = "kept"
    """The last resort of every answer that is not so. A person is asked to read it."""
    NONE_MISSING = "none-missing"
    """No, to that question."""
    LAST_ANSWER = "last-answer"
    """No more answers this hour."""
    OFFICER = "officer"
    STATUS = "status"
    STATUS_NOTHING_OPEN = "status-nothing-open"
    STATUS_TO_STAFF = "status-to-staff"
    STATUS_OF_CHILD = "status-of-child"
    """To staff, by the child's own code."""
    STATUS_BY_CODE = "status-by-code"
    OK_WHICH = "ok-which"
    """An OK alone, where something is open about several children."""
    TAKEN_UNPROVEN = "taken-unproven"
    """Of a missing child, without the telling's own code: anybody could have texted it."""
    TAKEN_TO_DO = "taken-to-do"
    """What has to be done is noted, and still to be done."""
    TAKEN = "taken"
    ACKNOWLEDGED_TO_RECORD = "acknowledged-to-record"
    """An OK to what had to be done: it is still to be recorded."""
    ACKNOWLEDGED = "acknowledged"
    NOTHING_OPEN = "nothing-open"
    NOTHING_OPEN_ABOUT = "nothing-open-about"
    """An OK for a child about whom nothing waits: often it has been given already."""
    CODE_UNKNOWN = "code-unknown"
    STRANGER = "stranger"
    JOINED = "joined"
    JOINED_WITH_SEVERAL = "joined-with-several"
    JOINED_WITH_ANOTHER_CODE = "joined-with-another-code"
    PRACTICE_HOW = "practice-how"
    PRACTICE_WHICH = "practice-which"
    PRACTICE_TOLD = "practice-told"
    PRACTICE_CONFIRM = "practice-confirm"
    PRACTICE_OVER = "practice-over"
    PRACTICE_NOT_NOW = "practice-not-now"


Stage: TypeAlias = Literal["joined", "practising", "practised"]


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim that would end a search. One code, texted to the sender, confirms it for all its children."""

    kind: ClaimKind
    about: tuple["ClaimedChild", ...]
    apart: bool = False
    """It keeps a code of its own, since nobody has said yet which of several children is meant."""


@dataclass(frozen=True, slots=True)
class ClaimedChild:
    """One child of a claim. `code` is the child's own; empty for a report without a name."""

    subject: ChildId
    code: str
    authority: AuthorityId
    person: PersonId | None = None
    episode: UUID | None = None


@dataclass(frozen=True, slots=True)
class Act:
    """A message to publish about `subject`. The text's words are stored under the subject; the message has their id."""

    subject: ChildId
    content: Message

    @property
    def once(self) -> tuple[str, ...]:
        """A text brings about one of these. Each telling that it answers is one of its own."""
        content = self.content
        telling = (str(content.duty), str(content.step)) if isinstance(content, DutyAcknowledged) else ()
        return content.kind, self.subject, *telling


def tell(subject: ChildId, kind: type[Told], context: TextContext, **fields: Any) -> Act:
    """An act whose message is by the speaker, as the context's authority knows them."""
    return Act(subject, kind(authority=context.authority, said_by=context.person, channel="text", **fields))


@dataclass(frozen=True, slots=True)
class StatusLine:
    """How the reports of these children stand, who stand alike. No standing: nobody has reported them. An empty code: a
    report without a name.
    """

    codes: tuple[str, ...]
    standing: Standing | None


@dataclass(frozen=True, slots=True)
class WaitingCode:
    """A code that still counts, and the children whose search it would end."""

    kind: ClaimKind
    code: str
    children: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """One text that answers. What it says back is in the sender's own codes."""

    answer: Answer
    about: tuple[ChildId, ...] = ()
    """The children of whom it speaks."""
    claims: tuple[Claim, ...] = ()
    """Those that it asks to confirm, each by its own code."""
    named: tuple[str, ...] = ()
    """The codes of `about`. Empty for a report without a name."""
    left: tuple[str, ...] = ()
    """The sender's other children, who are not reported."""
    sought: tuple[str, ...] = ()
    """Others for whom the search goes on."""
    several: bool = False
    """The sender has several children: a word to text needs a code beside it."""
    example: str = "C00"
    """A code to show how one is texted: the sender's own first, else one that is no child's."""
    waiting: tuple[WaitingCode, ...] = ()
    """Codes of earlier claims: every reply holds them until they are sent back, or count no more."""


@dataclass(frozen=True, slots=True)
class Decision:
    acts: tuple[Act, ...] = ()
    answer: Answer | None = None
    about: tuple[ChildId, ...] = ()
    """The children of whom the answer speaks."""
    replies: tuple[Reply, ...] = ()
    """The answer as it is sent, and those beside it: filled in once all is decided."""
    lines: tuple[StatusLine, ...] = ()
    """For a reply about the state of a search."""
    question: Question | None = None
    """The question that the reply asks."""
    answered: bool = False
    """The open question is answered or dropped."""
    called: bool = False
    """Somebody is asked to ring, since the sender did not say whether a child is missing."""
    last: bool = False
    """It is the last answer of the hour, and says so."""
    identified: tuple[tuple[ChildId, ChildId], ...] = ()
    """Pairs of a provisional report and its child."""
    ended: tuple[ChildId, ...] = ()
    """Provisional reports that end with the return, or with the false alarm."""
    claims: tuple[Claim, ...] = ()
    """Claims that the sender is asked to confirm, each by its own code."""
    confirmed: tuple[OpenClaim, ...] = ()
    which: tuple[str, ...] = ()
    """The codes of the children whose claims are confirmed."""
    open: tuple[str, ...] = ()
    """The codes of those about whom something is still open to the speaker."""
    denied: tuple[ChildId, ...] = ()
    """Children reported missing by this text: no earlier code ends that."""
    wrong_code: bool = False
    stage: Stage | None = None
    """The speaker's enrolment from now on."""
    exercise: bool = False
    """Everything published because of it is practice."""
    coded: str | None = None
    """The code by which duty staff named a child. The reply repeats it, so that a mistyped code is noticed."""

    @property
    def subjects(self) -> set[ChildId]:
        """About whom it brings something about."""
        claimed = {one.subject for claim in self.claims for one in claim.about}
        return claimed | {act.subject for act in self.acts}


def combine_decisions(parts: list[Decision]) -> Decision:
    """Combines the decisions about one text. The gravest answer wins, and each subject has each kind of act once."""
    acts: dict[tuple[str, ...], Act] = {}
    for part in parts:
        for act in part.acts:
            acts.setdefault(act.once, act)
    gravest = min(parts, key=lambda part: GRAVITY.index(part.answer) if part.answer else len(GRAVITY))
    return Decision(
        tuple(acts.values()),
        gravest.answer,
        tuple(dict.fromkeys(child for part in parts if part.answer is gravest.answer for child in part.about)),
        lines=gravest.lines,
        question=next((part.question for part in parts if part.question and _is_asked(part, gravest)), None),
        ended=tuple(ended for part in parts for ended in part.ended),
        identified=tuple(each for part in parts for each in part.identified),
        coded=gravest.coded,
        which=gravest.which,
        open=gravest.open,
        claims=merge_claims(claim for part in parts for claim in part.claims),
        denied=tuple(denied for part in parts for denied in part.denied),
    )


def _is_asked(part: Decision, gravest: Decision) -> bool:
    """Whether a child is missing only its own answer asks."""
    return part.question is not None and (part.question.about != "whether" or part.answer is gravest.answer)


GRAVITY = list(Answer)
"""`Answer` lists the gravest first."""


def merge_claims(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Merges claims of one kind, so that one code confirms them for all their children."""
    apart: list[Claim] = []
    about: dict[ClaimKind, dict[ChildId, ClaimedChild]] = {}
    for claim in claims:
        if claim.apart:
            apart.append(claim)
            continue
        for each in claim.about:
            about.setdefault(claim.kind, {}).setdefault(each.subject, each)
    return (*(Claim(kind, tuple(of_kind.values())) for kind, of_kind in about.items()), *apart)
