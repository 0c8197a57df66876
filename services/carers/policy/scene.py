"""What is known when a text is decided upon, and what a decision is."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, TypeAlias
from uuid import UUID

from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, PlacementId
from services.safeguarding.message import Message

About: TypeAlias = Literal["report", "return", "information"]
ClaimKind: TypeAlias = Literal["return", "retraction", "practice"]
State: TypeAlias = Literal["missing", "located", "returned"]


class PoliceStand(StrEnum):
    NOT_YET = "not-yet"
    HAVE_IT = "have-it"
    """Their system has the notice; nobody there has answered."""
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Standing:
    """How a child's latest episode stands, as far as this service has heard, or as the same carers have said since."""

    state: State | None = None
    police: PoliceStand = PoliceStand.NOT_YET
    duty_answered: bool = False
    episode: UUID | None = None
    """The latest, where the protocol has said."""
    ends_on_word: bool = False
    """The authority's rules take a carer's word for a return, without a code."""

    @property
    def open(self) -> bool:
        return self.state in {"missing", "located"}


@dataclass(frozen=True, slots=True)
class Child:
    """One of the speaker's children. `names` serve to recognise only."""

    child: ChildId
    code: str
    names: tuple[str, ...] = ()
    standing: Standing = Standing()
    episode: UUID | None = None
    """The one that is spoken of, where a code says which; None: whichever is open."""


@dataclass(frozen=True, slots=True)
class Provisional:
    """A report by this number about a child that was not named. `child` once the speaker has said which."""

    provisional: ChildId
    child: ChildId | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """Which child? Asked once; what the answer completes."""

    about: About
    provisional: ChildId


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """What was said of one child that would end a search, and the code that confirms it from this very number."""

    kind: ClaimKind
    code: str
    subject: ChildId
    authority: AuthorityId
    live: bool
    """Its ten minutes are not over, and it was neither confirmed nor denied."""
    confirmed: bool = False
    person: PersonId | None = None
    episode: UUID | None = None
    """The one that it was said of; None: whichever is open."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What would end a search, said of some children. One code, texted to the sender, confirms it of all of them."""

    kind: ClaimKind
    about: tuple["Claimed", ...]
    apart: bool = False
    """It has a code of its own, since nobody has said yet which of several is meant."""


@dataclass(frozen=True, slots=True)
class Claimed:
    """One child of a claim. `code` is how the sender calls the child; empty for a report without a name."""

    subject: ChildId
    code: str
    authority: AuthorityId
    person: PersonId | None = None
    episode: UUID | None = None


@dataclass(frozen=True, slots=True)
class Telling:
    """Of which telling the code in the text is, when it was texted to this very number."""

    duty: UUID
    step: int
    child: ChildId
    authority: AuthorityId
    episode: UUID | None
    person: PersonId | None
    exercise: bool = False
    standing: Standing = Standing()
    """Of the child that it is about, today. The telling may be of an episode long over."""

    @property
    def open(self) -> bool:
        """Whether what it told of is what the child is missing by today."""
        return self.of_latest and self.standing.open

    @property
    def of_latest(self) -> bool:
        return self.episode is not None and self.episode == self.standing.episode


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How far the speaker has come in getting to know Safe Return. `practising`: whom their practice report is about."""

    joined: bool = False
    practising: ChildId | None = None


Stage: TypeAlias = Literal["joined", "practising", "practised"]


@dataclass(frozen=True, slots=True)
class Scene:
    kind: Literal["carer", "residential", "staff", "officer", "former-carer", "unknown"]
    authority: AuthorityId
    provisional: ChildId
    """The child that this text is about where nobody can say which."""
    duty_line: str | None = None
    """The authority's, for the reply."""
    person: PersonId | None = None
    placement: PlacementId | None = None
    children: tuple[Child, ...] = ()
    provisionals: tuple[Provisional, ...] = ()
    question: Question | None = None
    telling: Telling | None = None
    claims: tuple[OpenClaim, ...] = ()
    """Of the last day, the newest first."""
    wrong_codes_this_hour: int = 0
    enrolment: Enrolment = Enrolment()
    pictures: int = 0
    texts_this_hour: int = 0
    replies_this_hour: int = 0
    answered_before: bool = False
    """Whether the one safe answer has been given to this number, which may be a child's own phone."""

    def by_id(self, child: ChildId) -> Child:
        return next(each for each in self.children if each.child == child)

    @property
    def open(self) -> tuple[Child, ...]:
        return tuple(each for each in self.children if each.standing.open)


class Answer(StrEnum):
    """The reply's template (`messages/`), the gravest first. Each says what has truly happened by now, and what to do next."""

    MISSING_WHICH = "missing-which"
    MISSING = "missing"
    MISSING_AGAIN = "missing-again"
    MISSING_NAMED = "missing-named"
    NOT_BACK = "not-back"
    BACK_WHICH = "back-which"
    BACK_EACH = "back-each"
    """Several are missing and none is named: a code for each."""
    BACK_CLAIMED = "back-claimed"
    FALSE_ALARM_CLAIMED = "false-alarm-claimed"
    BACK_UNREPORTED = "back-unreported"
    """Said to be back, though nobody had reported the child."""
    CODE_WRONG = "code-wrong"
    CONFIRM_PLAINLY = "confirm-plainly"
    """The code came among words that say more: it is asked for alone."""
    BACK = "back"
    BACK_BY_WORD = "back-by-word"
    BACK_ALREADY = "back-already"
    FALSE_ALARM = "false-alarm"
    LURE = "lure"
    LOCATED = "located"
    WHICH = "which"
    INFORMATION = "information"
    REFERENCE = "reference"
    REFERENCE_WITHOUT_NUMBER = "reference-without-number"
    ENQUIRY = "enquiry"
    HUMAN = "human"
    OFFICER = "officer"
    STATUS = "status"
    STATUS_NOTHING_OPEN = "status-nothing-open"
    STATUS_TO_STAFF = "status-to-staff"
    STATUS_BY_CODE = "status-by-code"
    ACKNOWLEDGED = "acknowledged"
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


@dataclass(frozen=True, slots=True)
class Act:
    """Something to say on the bus about `subject`. The text's words are kept about the subject and named in it."""

    subject: ChildId
    content: Message


@dataclass(frozen=True, slots=True)
class Decision:
    acts: tuple[Act, ...] = ()
    answer: Answer | None = None
    standing: Standing = field(default_factory=Standing)
    """For the answer about how things stand."""
    question: Question | None = None
    """The one question that the answer asks."""
    answered: bool = False
    """The open question is answered, or given up."""
    identified: tuple[tuple[ChildId, ChildId], ...] = ()
    """Provisional report and the child it was about."""
    ended: tuple[ChildId, ...] = ()
    """Provisional reports whose child is back, or that were a false alarm."""
    claims: tuple[Claim, ...] = ()
    """What the sender is asked to confirm, a code each."""
    confirmed: tuple[OpenClaim, ...] = ()
    denied: tuple[ChildId, ...] = ()
    """Children of whom the sender says now that they are missing: no earlier code ends that."""
    wrong_code: bool = False
    stage: Stage | None = None
    """Where the speaker's enrolment stands from now on."""
    exercise: bool = False
    """All that is said because of it is practice."""
