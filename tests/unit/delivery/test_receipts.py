"""Reports of a text's fate, in any order and any number."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.platform.delivery.model import State
from services.platform.delivery.sms_status.receipts import ARRIVED, FAILED, RANKS, TAKEN, next_state

STATUSES = sorted(TAKEN | ARRIVED | FAILED)


def after(state: State, reports: list[str]) -> State:
    for status in reports:
        state = next_state(state, status) or state
    return state


@pytest.mark.parametrize("order", list(permutations(["queued", "sent", "delivered"])))
def test_every_order_of_reports_ends_as_delivered(order: tuple[str, ...]) -> None:
    assert after(State.ACCEPTED, list(order)) is State.DELIVERED


@pytest.mark.parametrize("order", list(permutations(["queued", "sent", "undelivered"])))
def test_every_order_of_reports_ends_as_failed(order: tuple[str, ...]) -> None:
    assert after(State.ACCEPTED, list(order)) is State.FAILED


@given(st.lists(st.sampled_from(STATUSES), max_size=8), st.randoms(use_true_random=False))
def test_order_and_repetition_of_reports_change_nothing(reports: list[str], random: object) -> None:
    shuffled = reports + reports
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert after(State.ACCEPTED, shuffled) is after(State.ACCEPTED, reports)


@given(st.sampled_from(sorted(RANKS)), st.text(max_size=12))
def test_a_report_never_takes_a_text_back(state: State, status: str) -> None:
    following = next_state(state, status)
    assert following is None or RANKS[following] > RANKS[state]


@given(st.sampled_from(STATUSES))
def test_what_a_person_has_acknowledged_stays_so(status: str) -> None:
    assert next_state(State.ACKNOWLEDGED, status) is None


@given(st.sampled_from(STATUSES))
def test_an_old_attempts_report_leaves_the_next_attempt_alone(status: str) -> None:
    assert next_state(State.WAITING, status) is None


def test_a_report_settles_a_lost_answer() -> None:
    assert next_state(State.UNKNOWN, "sent") is State.ACCEPTED
