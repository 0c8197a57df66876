"""Outcomes that travelled together are decided upon one by one, and what they brought about is said as of one message."""

from datetime import UTC, datetime
from typing import Any

import pytest

from services.protocol.loader import Library, files
from services.protocol.policy.case import Case, DutyOfCase, Facts
from services.protocol.policy.decide import Turn, decide, sum_up, take_turns
from services.protocol.policy.draft import Decision, Happened, Protocols
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.duty.decisions import DutyChanged, Verdict
from services.safeguarding.duty.duties import DutyAccepted, DutyDelivered, DutyFailed, DutyOutcomes, part_ids, parts_of
from services.safeguarding.message import Message

CHILD = "child-00000000-0000-4000-8000-000000000001"
START = datetime(2026, 11, 24, 22, tzinfo=UTC)
FACTS = Facts(authority="northshire", force="north-force", unaccompanied=True)


@pytest.fixture(scope="module")
def protocols() -> Protocols:
    return Protocols(Library(files()).current("northshire"))


@pytest.fixture(scope="module")
def missing(protocols: Protocols) -> Case:
    report = Happened(ChildReportedMissing(authority="northshire"), "report", CHILD, START)
    return decide(Case(child=CHILD), report, FACTS, protocols, START).case


def duty_of(case: Case, rule: str) -> DutyOfCase:
    return next(each for each in case.duties.values() if each.rule == rule)


def outcomes(case: Case) -> DutyOutcomes:
    """The worker's text was taken and is on the handset; police have taken the notice; the worker's line then turned out dead."""

    def about(rule: str) -> dict[str, Any]:
        duty = duty_of(case, rule)
        return {"duty": duty.duty, "step": 0, "authority": "northshire", "episode": duty.episode}

    worker, police = about("tell-duty-worker-missing"), about("tell-police-missing")
    return DutyOutcomes(
        authority="northshire",
        accepted=(DutyAccepted.model_validate(worker), DutyAccepted.model_validate(police)),
        delivered=(DutyDelivered.model_validate(worker),),
        failed=(DutyFailed.model_validate(worker | {"reason": "undeliverable"}),),
    )


def turns_of(case: Case, content: Message, protocols: Protocols) -> list[Turn]:
    return take_turns(case, Happened(content, "m-1", CHILD, START, source="/test"), FACTS, protocols, START)


def one_by_one(case: Case, content: DutyOutcomes, protocols: Protocols) -> list[Decision]:
    decisions: list[Decision] = []
    for part, name in zip(parts_of(content), part_ids(content, "m-1"), strict=True):
        decisions.append(decide(case, Happened(part, name, CHILD, START, source="/test"), FACTS, protocols, START))
        case = decisions[-1].case
    return decisions


def test_a_fact_alone_is_decided_upon_as_itself(missing: Case, protocols: Protocols) -> None:
    accepted = outcomes(missing).accepted[0]
    [turn] = turns_of(missing, accepted, protocols)
    assert (turn.happened.content, turn.happened.id, turn.before) == (accepted, "m-1", missing)
    assert sum_up(missing, [turn]) is turn.decision


def test_facts_that_came_together_leave_the_case_as_they_would_one_by_one(missing: Case, protocols: Protocols) -> None:
    content = outcomes(missing)
    alone = one_by_one(missing, content, protocols)
    turns = turns_of(missing, content, protocols)
    whole = sum_up(missing, turns)
    assert whole.case == alone[-1].case
    assert [turn.before for turn in turns] == [missing, *(each.case for each in alone[:-1])]
    assert whole.decided == [each for decision in alone for each in decision.decided]
    assert whole.duties == [each for decision in alone for each in decision.duties]
    assert {"duty.worker", "duty.senior-manager"} & {each.role for each in whole.duties}
    assert [each.about for each in whole.decided if each.verdict is Verdict.CHANGED] == [
        each.kind for each in parts_of(content)
    ]


def test_each_duty_and_each_deadline_is_said_once_as_it_stands_in_the_end(missing: Case, protocols: Protocols) -> None:
    content = outcomes(missing)
    alone = one_by_one(missing, content, protocols)
    whole = sum_up(missing, turns_of(missing, content, protocols))
    changed = [each for each in whole.changes if isinstance(each, DutyChanged)]
    every = [each for decision in alone for each in decision.changes if isinstance(each, DutyChanged)]
    assert len(every) > len(changed) == len({each.duty for each in changed})
    for each in changed:
        assert each.revision == max(other.revision for other in every if other.duty == each.duty)
        assert each.revision == whole.case.duties[each.duty].revision
    deadlines = [each.deadline for each in whole.deadlines]
    assert len([each for decision in alone for each in decision.deadlines]) > len(deadlines) == len(set(deadlines))
    assert not set(deadlines) & set(whole.cancelled)
    for deadline in whole.deadlines:
        last = [each for decision in alone for each in decision.deadlines if each.deadline == deadline.deadline][-1]
        assert deadline == last


def test_outcomes_of_which_there_are_none_change_nothing(missing: Case, protocols: Protocols) -> None:
    turns = turns_of(missing, DutyOutcomes(authority="northshire"), protocols)
    assert (turns, sum_up(missing, turns)) == ([], Decision(case=missing))
