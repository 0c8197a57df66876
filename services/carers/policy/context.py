"""Describes the context of a text: its sender, their children and their conversation."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self, TypeAlias
from uuid import UUID

from services.carers.understanding.child_names import KnownChild
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, PlacementId

Kind: TypeAlias = Literal["carer", "residential", "staff", "officer", "former-carer", "unknown"]
About: TypeAlias = Literal["report", "return", "information", "whether"]
State: TypeAlias = Literal["missing", "located", "returned"]
ClaimKind: TypeAlias = Literal["return", "retraction", "practice"]


class PoliceStand(StrEnum):
    NOT_YET = "not-yet"
    HAVE_IT = "have-it"
    """Their system has the notice; nobody there has answered."""
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True)
class Standing:
    """The state of a child's latest episode, as this service last heard, or as the same carers have said since."""

    state: State | None = None
    police: PoliceStand = PoliceStand.NOT_YET
    duty_answered: bool = False
    episode: UUID | None = None
    """The latest one, once the protocol has published it."""
    ends_on_word: bool = False
    """The authority's rules accept a carer's word for a return, without a code."""
    referred: bool = False
    """Somebody has texted the reference that 101 gave."""

    @property
    def open(self) -> bool:
        return self.state in {"missing", "located"}


@dataclass(frozen=True, slots=True)
class Child(KnownChild):
    """One of the speaker's children, or a child whom they may name by code alone."""

    standing: Standing = Standing()
    episode: UUID | None = None
    """The episode that a code names; None: the open one."""
    authority: AuthorityId | None = None
    """Responsible for the child. Here and below, None means the same as in the `TextContext`."""
    person: PersonId | None = None
    """The speaker's id at that authority."""
    placement: PlacementId | None = None
    texted_about: bool = False
    """This number has texted about the child within a week."""


@dataclass(frozen=True, slots=True)
class Provisional:
    """A report by this number that named no child. `child` is set once the speaker has said which."""

    provisional: ChildId
    child: ChildId | None = None
    reported_at: datetime | None = None
    """Reports with the same moment come from one text."""
    authority: AuthorityId | None = None
    placement: PlacementId | None = None
    standing: Standing = Standing()
    """For a day after the report. It does not say when the child has been identified elsewhere."""

    @property
    def latest(self) -> Standing:
        """The child counts as missing until we hear otherwise."""
        heard = self.standing.state is not None or self.standing.episode is not None
        return replace(self.standing, ends_on_word=False) if heard else Standing("missing")


@dataclass(frozen=True, slots=True)
class Capacity:
    """The speaker's role at one authority. `professional`: it tells them about its children, by codes of their own."""

    kind: Kind
    authority: AuthorityId
    person: PersonId
    professional: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """An open question: which child, or `whether` one is missing at all? It is asked once."""

    about: About
    provisional: ChildId
    called: bool = False
    """Whether a child is missing nobody said in time: somebody is asked to ring the sender."""


@dataclass(frozen=True, slots=True)
class Telling:
    """The telling whose code stands in the text, where that code was texted to this number."""

    duty: UUID
    step: int
    child: ChildId
    authority: AuthorityId
    episode: UUID | None
    person: PersonId | None
    exercise: bool = False
    code: str = ""
    """The telling's own code."""
    child_code: str = ""
    """The child's, by which texts name it. Empty for a child who is not identified."""
    wording: str = ""
    deed: str | None = None
    """What has to be done. An OK only lets it rest."""
    just_texted: bool = False
    """The number has texted about the child a moment ago, perhaps an OK that is not kept yet."""
    standing: Standing = Standing()
    """The child's state today. The telling may belong to an episode that ended long ago."""

    @property
    def open(self) -> bool:
        """Whether it tells about the episode that is open today."""
        return self.of_latest and self.standing.open

    @property
    def of_latest(self) -> bool:
        return self.episode is not None and self.episode == self.standing.episode


@dataclass(frozen=True, slots=True)
class OpenClaim:
    """A claim about one child that would end a search, and the code by which this number confirms it."""

    kind: ClaimKind
    code: str
    subject: ChildId
    authority: AuthorityId
    live: bool
    """Less than ten minutes old, and neither confirmed nor denied."""
    confirmed: bool = False
    person: PersonId | None = None
    episode: UUID | None = None
    """The episode of the claim; None: the open one."""
    settled: bool = False
    """Confirmed so long ago that the child's standing tells of it."""
    denied: bool = False
    """Somebody has said since that the child is not back."""


@dataclass(frozen=True, slots=True)
class Enrolment:
    """How far the speaker has got to know Safe Return. `practising` is the child of their open practice report."""

    joined: bool = False
    practising: ChildId | None = None


@dataclass(frozen=True, slots=True)
class TextContext:
    """`authority`, `person` and `placement` are those of the speaker's first capacity. `for_child` gives a child's."""

    kind: Kind
    authority: AuthorityId
    provisional: ChildId
    """The id for the child of this text where nobody can say which child it is."""
    duty_line: str | None = None
    """The authority's telephone number, for the reply."""
    person: PersonId | None = None
    placement: PlacementId | None = None
    children: tuple[Child, ...] = ()
    provisionals: tuple[Provisional, ...] = ()
    question: Question | None = None
    telling: Telling | None = None
    claims: tuple[OpenClaim, ...] = ()
    """Claims of the last day, the newest first."""
    wrong_codes_this_hour: int = 0
    enrolment: Enrolment = Enrolment()
    pictures: int = 0
    texts_this_hour: int = 0
    replies_this_hour: int = 0
    answered_before: bool = False
    """This number, which may be a child's own phone, has had the one safe answer."""
    capacities: tuple[Capacity, ...] = ()
    """One for each authority that knows the number."""
    coded: tuple[Child, ...] = ()
    """Children whom the text names by code, of an authority for which the speaker is on duty."""
    unanswered: tuple[Telling, ...] = ()
    """What the speaker was told on duty and has not answered, the newest first. Loaded where the text may be an OK."""
    asks: bool = False
    """A question mark stands in the text."""
    live: bool = True
    """Whether the authority's reports are real yet."""
    claimed_by_others: frozenset[ChildId] = frozenset()
    """Children of whom another number has said that they are back, by a code that counts. Loaded for a report."""
    recent: tuple[ChildId, datetime] | None = None
    """The child, sought now, about whom this number texted within the hour, and when it last did (story time)."""

    @property
    def asks_whether(self) -> bool:
        """The sender has been asked whether a child is missing."""
        return self.question is not None and self.question.about == "whether"

    def child_by_id(self, child: ChildId) -> Child:
        return next(each for each in self.known if each.child == child)

    @property
    def known(self) -> tuple[Child, ...]:
        """All children that the text may name: the speaker's own, and those whom they may name by code alone."""
        own = {each.child for each in self.children}
        return (*self.children, *(each for each in self.coded if each.child not in own))

    @property
    def coded_only(self) -> list[KnownChild]:
        """The same, as a text names them by their codes alone."""
        return [KnownChild(each.child, each.code) for each in self.known]

    def for_child(self, child: Child) -> Self:
        """The same context with the child's own authority, person and placement."""
        return replace(
            self,
            authority=child.authority or self.authority,
            person=child.person or self.person,
            placement=child.placement or self.placement,
        )

    def for_subject(self, subject: ChildId) -> Self:
        """Like `for_child`, by the id of a child or of an earlier report. An unknown id changes nothing."""
        child = next((each for each in self.known if each.child == subject), None)
        report = next((each for each in self.provisionals if each.provisional == subject), None)
        if child is None and report is not None:
            child = self.child_of_report(report)
        return self if child is None else self.for_child(child)

    def child_of_report(self, report: Provisional) -> Child:
        """The unnamed child of an earlier report."""
        person = None if report.authority is None else self.person_in(report.authority)
        return Child(
            report.provisional,
            "",
            standing=report.latest,
            authority=report.authority,
            person=person,
            placement=report.placement,
        )

    def person_in(self, authority: AuthorityId) -> PersonId | None:
        """The speaker's id at this authority."""
        return next((each.person for each in self.capacities if each.authority == authority), self.person)

    @property
    def open(self) -> tuple[Child, ...]:
        return tuple(each for each in self.children if each.standing.open)

    @property
    def sought_here(self) -> tuple[Child, ...]:
        """Children who are sought and whom this number has texted about: what it says of nobody is about them."""
        return tuple(each for each in self.open if each.texted_about)
