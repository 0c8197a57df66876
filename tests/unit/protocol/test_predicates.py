"""A question's answer is yes, no or unknown, and unknown protects."""

from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import pytest

from services.protocol.policy.case import Episode, Facts
from services.protocol.policy.rule_engine.predicates import Answer, Situation, answer, ask
from services.protocol.policy.rule_language.grammar import Asked, Rule
from services.protocol.policy.rule_language.vocabulary import NUMBERED, Question

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
YES, NO, UNKNOWN = {"unaccompanied": True}, {"unaccompanied": False}, {"unaccompanied": None}


def standing(now: datetime = NOW, **facts: object) -> Situation:
    known = Facts.model_validate({"authority": "northshire", **facts})
    return Situation("child-00000000-0000-4000-8000-000000000001", known, None, now)


def rule(when: dict[str, object], unknown: str = "counts-as-yes") -> Rule:
    return Rule.model_validate(
        {
            "id": "a-rule",
            "on": "child.reported-missing",
            "when": when,
            "unknown": unknown,
            "tell": "duty.worker",
            "by": "text",
            "message": "missing-notice",
            "because": {"cite": ["S13"], "kind": "default", "note": "for a test"},
            "protocol": "test 1",
        }
    )


U, M = "child.unaccompanied", "child.modern-slavery-concern"


@pytest.mark.parametrize(
    ("when", "first", "second", "holds", "gaps"),
    [
        ({}, None, None, True, ()),
        ({"any": [U, M]}, True, None, True, ()),
        ({"any": [U, M]}, False, True, True, ()),
        ({"any": [U, M]}, False, False, False, ()),
        ({"any": [U, M]}, False, None, True, (M,)),
        ({"any": [U, M]}, None, None, True, (U, M)),
        ({"all": [U, M]}, True, True, True, ()),
        ({"all": [U, M]}, True, False, False, ()),
        ({"all": [U, M]}, None, False, False, ()),
        ({"all": [U, M]}, True, None, True, (M,)),
        ({"none": [U, M]}, False, False, True, ()),
        ({"none": [U, M]}, False, True, False, ()),
        ({"none": [U, M]}, None, True, False, ()),
        ({"none": [U, M]}, False, None, True, (M,)),
        ({"any": [U], "none": [M]}, True, True, False, ()),
        ({"any": [U], "none": [M]}, None, True, False, ()),
    ],
)
def test_conditions_are_weighed_in_three_values(
    when: dict[str, object], first: bool | None, second: bool | None, holds: bool, gaps: tuple[str, ...]
) -> None:
    asked_of = standing(unaccompanied=first, modern_slavery_concern=second)
    assert answer(rule(when), asked_of) == Answer(holds, gaps)


def test_an_unknown_fact_tells_nobody_where_telling_would_be_more_than_needed() -> None:
    assert not answer(rule({"all": [U]}, "counts-as-no"), standing(unaccompanied=None)).holds


@pytest.mark.parametrize(
    ("now", "younger"),
    [
        (datetime(2026, 7, 9, 22, 59, tzinfo=UTC), True),
        (datetime(2026, 7, 9, 23, 0, tzinfo=UTC), False),
    ],
)
def test_a_birthday_begins_at_midnight_in_england_in_summer_too(now: datetime, younger: bool) -> None:
    asked = Asked.model_validate({"child.age-under": 16})
    assert ask(asked, standing(now, adult_on=date(2028, 7, 10))) is younger


def test_an_unknown_birth_date_gives_no_answer() -> None:
    assert ask(Asked.model_validate({"child.age-under": 16}), standing()) is None


@pytest.mark.parametrize(
    ("ago", "long_enough"),
    [(timedelta(weeks=13), True), (timedelta(weeks=13) - timedelta(seconds=1), False), (None, None)],
)
def test_weeks_in_care_count_from_the_day_that_care_began(ago: timedelta | None, long_enough: bool | None) -> None:
    began = None if ago is None else NOW - ago
    assert ask(Asked.model_validate({"child.in-care-for-weeks": 13}), standing(entered_care_at=began)) is long_enough


@pytest.mark.parametrize(("host", "out"), [(None, None), ("northshire", False), ("southshire", True)])
def test_a_placement_is_out_of_area_when_another_authority_hosts_it(host: str | None, out: bool | None) -> None:
    assert ask(Asked.model_validate("child.placed-out-of-area"), standing(host_authority=host)) is out


@pytest.mark.parametrize(
    ("state", "missing", "not_back"), [("missing", True, True), ("located", False, True), ("returned", False, False)]
)
def test_located_is_not_missing_and_not_back_either(state: str, missing: bool, not_back: bool) -> None:
    episode = Episode.model_validate(
        {
            "episode": uuid4(), "protocol": "x", "authority": "northshire", "state": state,
            "opened_at": NOW - timedelta(hours=1), "last_report_at": NOW - timedelta(hours=1),
        }
    )  # fmt: skip
    found = Situation("child-00000000-0000-4000-8000-000000000001", Facts(authority="northshire"), episode, NOW)
    assert ask(Asked.model_validate("child.missing"), found) is missing
    assert ask(Asked.model_validate("child.not-back"), found) is not_back


def test_every_question_of_the_vocabulary_has_an_answer() -> None:
    for question in Question:
        asked = Asked(question=question, number=16 if question in NUMBERED else None)
        assert ask(asked, standing()) in (True, False, None)
