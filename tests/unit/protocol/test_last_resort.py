"""A dead letter that could not be decided upon: the people on duty are told without a case, once a day for a child."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from services.platform.runtime.clocks import Clocks
from services.protocol.editions.choice import RulesInForce
from services.protocol.handlers import Handlers
from services.protocol.policy.last_resort import decide_without_case, list_tellings
from services.safeguarding.duty.decisions import MessageDeadLettered
from services.safeguarding.duty.duties import Duty

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)


def letter(kind: str | None) -> MessageDeadLettered:
    return MessageDeadLettered(service="protocol", origin="x/0/1", reason="x", original_kind=kind, original="")


DAY = list_tellings(letter(None), "letter-1", "child-1", "northshire", NOW, exercise=True)[-1]


def told(
    child: str = "child-1", authority: str = "northshire", now: datetime = NOW, *, exercise: bool = False
) -> list[UUID]:
    [day] = list_tellings(letter(None), "letter-1", child, authority, now, exercise=exercise)
    return [each.duty for each in decide_without_case(child, authority, day, now, exercise=exercise).duties]


def test_everybody_on_duty_has_a_text_and_it_cites() -> None:
    decision = decide_without_case("child-1", "northshire", uuid4(), NOW, exercise=False)
    assert decision.case.child == "child-1"
    assert [each.role for each in decision.duties] == ["duty.worker", "duty.senior-manager", "duty.head-of-service"]
    assert len(set(told())) == 3
    assert decision.exercises == set()
    assert {_said(each) for each in decision.duties} == {
        (0, 1, "tell", "first", "northshire", "text", "dead-letter", "last-resort", "needs-human", ("S45",), NOW)
    }


def test_whatever_else_fails_of_the_child_on_that_day_in_england_is_the_same_telling() -> None:
    last_of_the_day = datetime(2026, 11, 24, 23, 59, tzinfo=UTC)
    assert told() == told(now=last_of_the_day)
    assert not set(told()) & set(told(now=last_of_the_day + timedelta(minutes=1)))
    in_summer = datetime(2026, 7, 1, 22, 59, tzinfo=UTC)
    assert not set(told(now=in_summer)) & set(told(now=in_summer + timedelta(minutes=1)))


@pytest.mark.parametrize("other", [told("child-2"), told(authority="kestrel"), told(exercise=True)])
def test_another_child_authority_or_practice_is_a_telling_of_its_own(other: list[UUID]) -> None:
    assert not set(told()) & set(other)


def test_each_report_is_a_telling_of_its_own_and_counts_as_the_days_too() -> None:
    about = ("child-1", "northshire", NOW)
    [day] = list_tellings(letter("police.closed.v1"), "letter-1", *about, exercise=False)
    first = list_tellings(letter("child.reported-missing.v1"), "letter-2", *about, exercise=False)
    second = list_tellings(letter("child.reported-missing.v1"), "letter-3", *about, exercise=False)
    assert first[0] == second[0] == day
    assert len({day, first[-1], second[-1]}) == 3


def test_what_a_letter_of_practice_brings_about_is_practice() -> None:
    assert decide_without_case("child-1", "northshire", DAY, NOW, exercise=True).exercises == set(told(exercise=True))


@pytest.mark.parametrize(
    ("kind", "skipped"), [("message.dead-lettered.v1", True), ("child.reported-missing.v1", False), (None, False)]
)
def test_a_letter_about_a_letter_is_not_heard(kind: str | None, skipped: bool) -> None:
    subscriptions = Handlers(RulesInForce(), Clocks()).subscriptions()
    [mine] = [each for each in subscriptions if each.event is MessageDeadLettered]
    assert (mine.skip_if is not None and mine.skip_if(letter(kind))) is skipped


def _said(duty: Duty) -> tuple[object, ...]:
    about = (duty.step, duty.revision, duty.act, duty.because, duty.authority, duty.channel, duty.wording)
    return (*about, duty.rule, duty.protocol, duty.cites, duty.created_at)
