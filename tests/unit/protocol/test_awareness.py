"""Carers are aware when there is word of each of them who has the child now, and of late."""

from datetime import UTC, datetime, timedelta

import pytest

from services.protocol.loader import Library, files
from services.protocol.policy.case import Case, Facts, Record
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Happened, Protocols
from services.protocol.policy.rule_engine.predicates import Situation, ask, aware_since, with_aware
from services.protocol.policy.rule_language.grammar import Asked
from services.safeguarding.child_events.care_events import CarerAwarenessRecorded
from services.safeguarding.duty.decisions import Verdict

CHILD = "child-00000000-0000-4000-8000-000000000001"
ANN = "person-00000000-0000-4000-8000-00000000000a"
BEN = "person-00000000-0000-4000-8000-00000000000b"
NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
EARLIER = NOW - timedelta(days=30)
BOTH = Facts(authority="northshire", carers=(ANN, BEN))
NOBODY_NAMED = Facts(authority="northshire")


def recorded(facts: Facts, *told: tuple[str | None, datetime]) -> Record:
    record = Record()
    for carer, at in told:
        record = record.model_copy(update={"carers_aware": with_aware(record, facts, carer, at)})
    return record


@pytest.mark.parametrize(
    ("facts", "told", "since"),
    [
        (BOTH, [], None),
        (BOTH, [(ANN, NOW)], None),
        (BOTH, [(ANN, NOW), (BEN, EARLIER)], EARLIER),
        (BOTH, [(None, EARLIER)], EARLIER),
        (BOTH, [(None, EARLIER), (BEN, NOW)], EARLIER),
        (BOTH, [(ANN, NOW), (None, EARLIER)], EARLIER),
        (BOTH, [(ANN, NOW), (BEN, NOW), (BEN, EARLIER)], NOW),
        (NOBODY_NAMED, [(None, NOW)], NOW),
        (NOBODY_NAMED, [(ANN, NOW)], None),
    ],
)
def test_the_oldest_word_of_those_who_care_for_the_child_counts(
    facts: Facts, told: list[tuple[str | None, datetime]], since: datetime | None
) -> None:
    assert aware_since(recorded(facts, *told), facts) == since


def test_word_of_all_from_before_anybody_was_named_says_nothing_of_whoever_is_named_later() -> None:
    assert aware_since(recorded(NOBODY_NAMED, (None, NOW)), BOTH) is None


@pytest.mark.parametrize(("ago", "aware"), [(0, True), (365, True), (366, False)])
def test_the_rule_says_for_how_many_days_it_is_good(ago: int, aware: bool) -> None:
    asked = Asked.model_validate({"carers.aware-within-days": 365})
    record = recorded(BOTH, (None, NOW - timedelta(days=ago)))
    assert ask(asked, Situation(CHILD, BOTH, None, NOW, record=record)) is aware


def test_an_exercise_makes_nobody_aware_and_a_practice_is_said_as_none() -> None:
    case = Case(child=CHILD)
    said = CarerAwarenessRecorded(authority="northshire", carer=ANN, how="practice")
    facts, protocols = BOTH.model_copy(update={"carers": (ANN,)}), Protocols(Library(files()).current("northshire"))
    marked = decide(case, Happened(said, "marked", CHILD, NOW, exercise=True), facts, protocols, NOW)
    assert (marked.case.record.carers_aware, [each.verdict for each in marked.decided]) == ({}, [Verdict.CHANGED])
    real = decide(case, Happened(said, "real", CHILD, NOW), facts, protocols, NOW)
    assert real.case.record.carers_aware == {ANN: NOW}
