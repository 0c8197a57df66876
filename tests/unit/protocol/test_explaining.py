"""A social work manager asks who would be told."""

import pytest

from services.protocol.explain import explain, flow_chart


def test_the_answer_says_who_when_why_and_what_ends_it() -> None:
    said = explain("child.reported-missing.v1", "northshire")
    assert "tell-police-missing: police.control-room is told by webhook (missing-notice)." in said
    assert "After 1 minute, if their system has not taken it: duty.worker by text (police-not-reached)." in said
    assert "After 60 minutes" not in said, "an hour is an hour"
    assert "and again every 30 minutes until somebody answers" in said
    assert "It ends when somebody answers or on child.returned or on missing.retracted." in said
    assert "(S13, S57; default; missing-from-care 2026.1)" in said


def test_the_answer_follows_what_a_duty_sets_off() -> None:
    said = explain("child.reported-missing", "northshire")
    assert "When the duty of tell-police-missing is accepted:" in said
    assert "24 hours after it happened, duty.senior-manager is told by text (still-missing)" in said


def test_the_answer_names_what_a_return_ends() -> None:
    ended = explain("child.returned", "northshire").splitlines()[-1]
    assert ended.startswith("It ends the duties of: ")
    assert "tell-police-missing" in ended
    assert "safe-and-well-check-outstanding" not in ended


def test_an_unknown_event_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"child\.abducted.* sets nothing off; known are child\.reported-missing"):
        explain("child.abducted", "northshire")


def test_the_flow_chart_has_an_arrow_for_each_step() -> None:
    chart = flow_chart("text.needs-human", "northshire")
    assert chart.startswith("flowchart LR\n")
    assert '  read_text -.->|5 minutes| read_text_0["duty.worker"]' in chart
    assert '  read_text_1 -.->|30 minutes| read_text_2["duty.head-of-service"]' in chart
