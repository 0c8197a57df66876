"""What is known when a text is decided upon, and what a decision is."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Literal, Self, TypeAlias
from uuid import UUID

from services.carers.understanding.children.child_names import Known
from services.safeguarding.identifiers import AuthorityId, ChildId, PersonId, PlacementId

Kind: TypeAlias = Literal["carer", "residential", "staff", "officer", "former-carer", "unknown"]
About: TypeAlias = Literal["report", "return", "information"]
State: TypeAlias = Literal["missing", "located", "returned"]
ClaimKind: TypeAlias = Literal["return", "retraction", "practice"]


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
class Child(Known):
    """One of the speaker's children, or a child whom they may name by code alone."""

    standing: Standing = Standing()
    episode: UUID | None = None
    """The one that is spoken of, where a code says which; None: whichever is open."""
    authority: AuthorityId | None = None
    """Whose child it is; this and what follows is None where the scene's own holds."""
    person: PersonId | None = None
    """The speaker, as that authority knows them."""
    placement: PlacementId | None = None


@dataclass(frozen=True, slots=True)
class Provisional:
    """A report by this number about a child that was not named. `child` once the speaker has said which."""

    provisional: ChildId
    child: ChildId | None = None
    reported_at: datetime | None = None
    """Of several with the same moment one text was the cause."""
    authority: AuthorityId | None = None
    placement: PlacementId | None = None


@dataclass(frozen=True, slots=True)
class Capacity:
    """As what one authority knows the speaker. `professional`: it tells them of its children, by codes of their own."""

    kind: Kind
    authority: AuthorityId
    person: PersonId
    professional: bool = False


@dataclass(frozen=True, slots=True)
class Question:
    """Which child? Asked once; what the answer completes."""

    about: About
    provisional: ChildId


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
class Enrolment:
    """How far the speaker has come in getting to know Safe Return. `practising`: whom their practice report is about."""

    joined: bool = False
    practising: ChildId | None = None


@dataclass(frozen=True, slots=True)
class TextContext:
    """Authority, person and placement are those of the first of the speaker's `capacities`: `of` gives them as they are for a child."""

    kind: Kind
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
    capacities: tuple[Capacity, ...] = ()
    """As what each authority knows the number."""
    coded: tuple[Child, ...] = ()
    """Those of an authority's children whom the text names by code, where the speaker is on duty for it."""
    asks: bool = False
    """A question mark stands in the text."""

    def child_by_id(self, child: ChildId) -> Child:
        return next(each for each in self.known if each.child == child)

    @property
    def known(self) -> tuple[Child, ...]:
        """Whom the text may name: the speaker's children, and whom they may name by code alone."""
        own = {each.child for each in self.children}
        return (*self.children, *(each for each in self.coded if each.child not in own))

    def for_child(self, child: Child) -> Self:
        """As the child's own authority sees it."""
        return replace(
            self,
            authority=child.authority or self.authority,
            person=child.person or self.person,
            placement=child.placement or self.placement,
        )

    def for_subject(self, subject: ChildId) -> Self:
        """The same of a child that the text may be about, or of an earlier report of the speaker's."""
        child = next((each for each in self.known if each.child == subject), None)
        report = next((each for each in self.provisionals if each.provisional == subject), None)
        if child is None and report is not None:
            child = self.child_of_report(report)
        return self if child is None else self.for_child(child)

    def child_of_report(self, report: Provisional) -> Child:
        """The child that an earlier report was about, nobody knows which."""
        person = None if report.authority is None else self.person_in(report.authority)
        return Child(
            report.provisional,
            "",
            standing=Standing("missing"),
            authority=report.authority,
            person=person,
            placement=report.placement,
        )

    def person_in(self, authority: AuthorityId) -> PersonId | None:
        """Who the speaker is for this authority."""
        return next((each.person for each in self.capacities if each.authority == authority), self.person)

    @property
    def open(self) -> tuple[Child, ...]:
        return tuple(each for each in self.children if each.standing.open)
