"""Plays a carer's phone against the pure policy: keeps what each decision commits, and moves the time on."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count

from services.carers import messages
from services.carers.policy import facts
from services.carers.policy.context import Child, OpenClaim, Provisional, Question, Standing, State, TextContext
from services.carers.policy.decision import Decision
from services.carers.policy.sender_policy import decide
from services.carers.store.claims import CONFIRM_WITHIN, code_for
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events import events
from services.safeguarding.child_events.care_events import ChildIdentified
from services.safeguarding.identifiers import derived, number_of, provisional_child
from services.wording.presuppositions import choose_true
from tests.unit.carers.corpus import PLACEMENT, child_id

FIVE = (("C21", "Omar"), ("C22", "Linh"), ("C23", "Selam"), ("C24", "Ardit"), ("C25", "Blessing"))
PERSON = "person-00000000-0000-0000-0000-000000000007"
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Turn:
    decision: Decision
    bodies: tuple[str, ...]
    before: dict[str, State | None]
    """How the children stood, by code."""


@dataclass
class Phone:
    now: datetime = datetime(2026, 12, 2, 2, 0)
    states: dict[str, Standing] = field(default_factory=dict)
    reports: list[Provisional] = field(default_factory=list)
    claims: dict[tuple[str, str], tuple[OpenClaim, datetime]] = field(default_factory=dict)
    question: Question | None = None
    answered_at: list[datetime] = field(default_factory=list)
    person_asked: bool = False
    texts: "count[int]" = field(default_factory=count)

    @property
    def children(self) -> tuple[Child, ...]:
        return tuple(
            Child(
                child_id(code),
                code,
                (name,),
                standing=self.states.get(child_id(code), Standing()),
                authority="kestrel",
                placement=PLACEMENT,
                person=PERSON,
            )
            for code, name in FIVE
        )

    def stands(self) -> dict[str, State | None]:
        return {each.code: each.standing.state for each in self.children}

    def is_open(self, subject: str) -> bool:
        named = next((each.child for each in self.reports if each.provisional == subject and each.child), subject)
        unnamed = any(each.provisional == subject and each.child is None for each in self.reports)
        return unnamed or self.states.get(named, Standing()).open

    def live_codes(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for claim, until in self.claims.values():
            if claim.live and until > self.now:
                found.setdefault(claim.code, set()).add(claim.subject)
        return found

    def text(self, body: str) -> Turn:
        number, before = next(self.texts), self.stands()
        context = self._build_context(body, number)
        meaning = understand(body)
        decision = facts.settle_replies(decide(meaning, context), context, messages.PRESUPPOSES, choose_true)
        codes = tuple(code_for(claim, context.claims) for claim in decision.claims)
        self._commit(decision, codes)
        language = "cy" if meaning.welsh else "en"
        bodies = messages.write_replies(decision, codes, language, None)
        waiting = decision.replies[0].waiting if decision.replies else ()
        own = number_of(derived("a reply", str(number)))
        if bodies:
            self.answered_at.append(self.now)
        marked = tuple(messages.mark_reply(each, own, waiting, codes, language) for each in bodies)
        return Turn(decision, marked, before)

    def _build_context(self, body: str, number: int) -> TextContext:
        return TextContext(
            "residential",
            "kestrel",
            provisional_child(f"text {number}"),
            person=PERSON,
            placement=PLACEMENT,
            children=self.children,
            provisionals=tuple(self.reports),
            question=self.question,
            claims=tuple(
                replace(claim, live=claim.live and until > self.now) for claim, until in reversed(self.claims.values())
            ),
            texts_this_hour=number + 1,
            replies_this_hour=sum(at > self.now - HOUR for at in self.answered_at),
            asks="?" in body,
        )

    def _commit(self, decision: Decision, codes: tuple[str, ...]) -> None:
        self._commit_acts(decision)
        named = dict(decision.identified)
        self.reports = [
            replace(each, child=named.get(each.provisional, each.child))
            for each in self.reports
            if each.provisional not in decision.ended
        ]
        self._commit_claims(decision, codes)
        if decision.answered:
            self.question = None
        if decision.question is not None:
            self.question = decision.question
        elif decision.called and self.question is not None:
            self.question = replace(self.question, called=True)

    def _commit_acts(self, decision: Decision) -> None:
        for act in decision.acts:
            content, subject = act.content, act.subject
            match content:
                case events.ChildReportedMissing():
                    self._set(subject, "missing")
                case events.ReportRetracted():
                    self._set(subject, "missing" if content.retracts == "return" else None)
                case events.ChildReturned():
                    self._set(subject, "returned")
                case ChildIdentified():
                    self._set(content.child, "missing")
                case events.ChildProvisional():
                    self.reports.append(Provisional(subject, None, self.now, "kestrel", PLACEMENT, Standing("missing")))
                case events.TextNeedsHuman() | events.LocationEnquiryReceived() | events.ChildLuringSuspected():
                    self.person_asked = True
                case _:
                    pass

    def _commit_claims(self, decision: Decision, codes: tuple[str, ...]) -> None:
        over = {(each.code, each.subject): True for each in decision.confirmed}
        for key, (claim, until) in self.claims.items():
            if claim.subject in decision.denied and claim.live:
                self.claims[key] = (replace(claim, live=False), until)
            if key in over:
                self.claims[key] = (replace(claim, live=False, confirmed=True), until)
        for asked, code in zip(decision.claims, codes, strict=True):
            for each in asked.about:
                made = OpenClaim(
                    asked.kind, code, each.subject, each.authority, live=True, person=each.person, episode=each.episode
                )
                self.claims[code, each.subject] = (made, self.now + CONFIRM_WITHIN)

    def _set(self, subject: str, state: State | None) -> None:
        self.states[subject] = Standing(state)
