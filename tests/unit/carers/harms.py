"""Counts the harms that texts would do. Each is defined by what is so in the situation, and not by the words for it.

A set of texts is a YAML list. Of each situation it says who texts (`who`, as in `corpus.yaml`), who is reported missing
already (`given`), what is so (`truth`), whether a stranger would see at once what is meant (`plain`), and the texts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from services.carers.policy.decision import Act, Answer, Decision
from services.carers.policy.sender_policy import decide
from services.carers.understanding.grammar import understand
from services.safeguarding.child_events import events
from tests.unit.carers.corpus import CHILDREN, Case, child_id, scene_of

UNKNOWN = "unknown"
"""A child who is none of the speaker's, or whom the writer does not name."""
OPEN = frozenset({"missing", "located"})
CLAIMS = events.ChildReturnClaimed | events.MissingRetractionClaimed
CODES = {child_id(code): code for children in CHILDREN.values() for code, _ in children}


@dataclass(frozen=True)
class Situation:
    """One text, and what is so when it is sent. Of a child in `back` the text says so, and rightly."""

    who: str
    given: tuple[tuple[str, str], ...]
    text: str
    missing: frozenset[str]
    new: frozenset[str]
    """Of `missing`, those whom nobody had reported."""
    back: frozenset[str]
    danger: bool = False
    person: bool = False
    plain: bool = True

    def __str__(self) -> str:
        return f"{self.who} {dict(self.given) or ''} {self.text!r}"

    @cached_property
    def decision(self) -> Decision:
        return decide(understand(self.text), scene_of(Case(self.who, self.given, self.text, frozenset(), human=False)))

    @property
    def open(self) -> set[str]:
        return {code for code, state in self.given if state in OPEN}

    @property
    def named(self) -> set[str]:
        """The children whose code or name the text holds letter by letter."""
        words = set(understand(self.text).words.split())
        return {code for code, name in CHILDREN[self.who] if {code.lower(), name.lower()} & words}

    @property
    def reports(self) -> list[Act]:
        """What opens a search: a report of a child whom nobody seeks, of a child not named, or that a return was none."""
        return [act for act in self.decision.acts if _opens_search(act) and CODES.get(act.subject) not in self.open]

    @property
    def sought(self) -> set[str]:
        """By code, for whom a search is opened."""
        return {CODES[act.subject] for act in self.reports if act.subject in CODES}

    @property
    def nameless(self) -> list[frozenset[str]]:
        """Of each search for a child not named, whom it may be about."""
        return [
            frozenset(CODES[each] for each in getattr(act.content, "candidates", ()))
            for act in self.reports
            if act.subject not in CODES
        ]

    @property
    def claimed(self) -> set[str]:
        """Who is said to be back, or never to have been missing."""
        acts = [act for act in self.decision.acts if isinstance(act.content, CLAIMS)]
        return {CODES.get(act.subject, UNKNOWN) for act in acts}

    def seeks(self, child: str) -> bool:
        """Whether a search is opened that may find the child."""
        return child in self.sought or any(child in may_be or child == UNKNOWN for may_be in self.nameless)


def _opens_search(act: Act) -> bool:
    if isinstance(act.content, events.ReportRetracted):
        return act.content.retracts == "return"
    return isinstance(act.content, events.ChildReportedMissing)


# The harms. Each says what is wrong with a text, or nothing.


def searches_for_the_wrong_child(one: Situation) -> set[str]:
    """A child is missing, and a search is opened by name for another one, who is not."""
    return one.sought - one.missing if one.missing else set()


def drops_a_named_child(one: Situation) -> set[str]:
    """A child is missing, unreported and named in the text, and no search that is opened can find the child."""
    return {child for child in one.new & one.named if not one.seeks(child)}


def searches_twice(one: Situation) -> int:
    """Some child is missing, and more searches are opened than missing children whom nobody seeks yet."""
    surplus = len(one.sought & one.missing) + len(one.nameless) - len(one.missing - one.open)
    return surplus if one.missing and surplus > 0 else 0


def ends_a_search(one: Situation) -> set[str]:
    """A search is ended or withdrawn: no text of these sets holds a code that proves anything."""
    ends = (events.ChildReturned, events.ReportRetracted)
    return {
        act.content.kind
        for act in one.decision.acts
        if isinstance(act.content, ends) and getattr(act.content, "retracts", "") != "return"
    }


def claims_falsely(one: Situation) -> set[str]:
    """A child who is still missing is recorded as said to be back, or as never having been missing."""
    return one.claimed & one.missing


def misses_a_plain_report(one: Situation) -> set[str]:
    """The text plainly reports a child, and none of the searches that it opens can find the child."""
    return {child for child in one.new if not one.seeks(child)} if one.plain else set()


@dataclass(frozen=True, slots=True)
class Gate:
    harm: Callable[[Situation], object]
    among: Callable[[Situation], bool]
    """The texts of which it is a share."""
    at_most: float = 0.0


def _anything(one: Situation) -> bool:
    return True


GATES = {
    "wrong child searched for": Gate(searches_for_the_wrong_child, _anything),
    "named missing child dropped": Gate(drops_a_named_child, _anything),
    "second search for one child": Gate(searches_twice, _anything),
    "search ended by words": Gate(ends_a_search, _anything),
    "false claim": Gate(claims_falsely, lambda one: bool(one.missing), 0.01),
    "plain report not opened": Gate(misses_a_plain_report, lambda one: one.plain and bool(one.new), 0.02),
}


def searches_needlessly(one: Situation) -> bool:
    """A search is opened though nobody is missing. Weak evidence starts: it costs a call, and harms no search."""
    return bool(one.reports) and not one.missing


def calls_nobody_in_danger(one: Situation) -> bool:
    """A life is in danger, and the answer is another than to ring 999 now, or nobody is asked to ring."""
    asked = any(isinstance(act.content, events.TextNeedsHuman) for act in one.decision.acts)
    return one.danger and (one.decision.answer is not Answer.DANGER or not asked)


def asks_no_person(one: Situation) -> bool:
    """A person is wanted, and neither a report, luring nor a text to be read brings one."""
    return one.person and not any(isinstance(act.content, BRINGS_A_PERSON) for act in one.decision.acts)


def makes_no_claim(one: Situation) -> bool:
    """A missing child is plainly back, and no code is offered by which to say so."""
    back = one.back & one.open
    return one.plain and bool(back) and not back & one.claimed and not one.decision.claims


BRINGS_A_PERSON = events.TextNeedsHuman | events.ChildReportedMissing | events.ChildLuringSuspected
TRENDS = {
    "needless search": Gate(searches_needlessly, lambda one: not one.missing, 1.0),
    "danger not called": Gate(calls_nobody_in_danger, lambda one: one.danger, 1.0),
    "person not asked": Gate(asks_no_person, lambda one: one.person, 1.0),
    "plain return without a code": Gate(makes_no_claim, lambda one: one.plain and bool(one.back & one.open), 1.0),
}


def is_exact(one: Situation) -> bool:
    """Just the right searches are opened, by name, and just the right returns are claimed."""
    return (
        one.sought == one.new - {UNKNOWN} and len(one.nameless) == len(one.new & {UNKNOWN}) and one.claimed == one.back
    )


def read_set(path: Path) -> list[Situation]:
    return list(_read_situations(yaml.safe_load(path.read_text(encoding="utf-8"))))


def _read_situations(groups: list[dict[str, Any]]) -> Iterator[Situation]:
    for group in groups:
        given = tuple(sorted((group.get("given") or {}).items()))
        truth = group["truth"]
        missing, new, back = (frozenset(map(str, truth.get(key) or ())) for key in ("missing", "new", "back"))
        flags = (bool(truth.get("danger")), bool(truth.get("person")), bool(group.get("plain", True)))
        for text in group["texts"]:
            yield Situation(group["who"], given, str(text), missing, new, back, *flags)


def from_corpus(cases: Iterable[Case]) -> list[Situation]:
    """What the corpus says of carers' texts: who is newly missing, and who is back. The others given are missing still."""
    return [_read_case(case) for case in cases if CHILDREN[case.who]]


def _read_case(case: Case) -> Situation:
    said = [part.replace("?", UNKNOWN).split() for part in case.means if " " in part]
    open_ = {code for code, state in case.given if state in OPEN}
    back = frozenset(part[1] for part in said if part[0] in {"back", "retracted-missing"})
    reported = {part[1] for part in said if part[0] in {"missing", "retracted-return"}}
    new = frozenset(reported - open_)
    return Situation(case.who, case.given, case.text, frozenset(open_ - back) | new, new, back, plain=not case.human)


def count_harms(texts: list[Situation]) -> dict[str, tuple[int, int]]:
    """Of each gate and trend how many texts do the harm, and among how many."""
    found: Counter[str] = Counter()
    among: Counter[str] = Counter()
    for one in texts:
        for name, gate in (GATES | TRENDS).items():
            if gate.among(one):
                among[name] += 1
                found[name] += bool(gate.harm(one))
    return {name: (found[name], among[name]) for name in GATES | TRENDS}


def passes(name: str, found: int, among: int) -> bool:
    return found <= GATES[name].at_most * among
