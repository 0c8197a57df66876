"""The database's clock decides what time it is, and the stopwatch carries it on."""

import time
from datetime import UTC, datetime, timedelta

import pytest

from services.platform.runtime import clocks as module
from services.platform.runtime.clocks import FOLLOWED_MOST, TOLERANCE, Clocks, apart
from tests.support.wrong_clocks import WrongClocks

pytestmark = pytest.mark.usefixtures("each_moment")

NONE, A_MOMENT = timedelta(), timedelta(seconds=2)
TEN = timedelta(minutes=10)


def right() -> datetime:
    return datetime.now(UTC)


def off(clocks: Clocks) -> float:
    return (clocks.wall() - right()).total_seconds()


def look(clocks: Clocks, by: timedelta = NONE, took: float = 0) -> bool:
    """At a database whose clock is ahead by that."""
    asked_at = time.monotonic() - took
    return clocks.follow(right() + by, asked_at)


def near(by: timedelta = NONE) -> object:
    return pytest.approx(by.total_seconds(), abs=A_MOMENT.total_seconds())


@pytest.mark.parametrize("wrong", [TEN, -TEN])
def test_a_wrong_machine_tells_the_databases_time_from_the_first_look_on(wrong: timedelta) -> None:
    clocks = WrongClocks(wrong)
    assert off(clocks) == near(wrong)
    assert not look(clocks), "what was set is its own"
    assert off(clocks) == near()
    clocks.move_to(TEN)
    assert clocks.story() - clocks.wall() == pytest.approx(TEN, abs=A_MOMENT)
    assert clocks.own() - clocks.wall() == pytest.approx(wrong, abs=A_MOMENT), "signatures go by the machine's own"


@pytest.mark.parametrize("step", [TEN, -TEN])
def test_a_machine_that_is_set_is_not_felt(step: timedelta) -> None:
    """Neither when it goes wrong, nor when it is put right again."""
    clocks = WrongClocks(NONE)
    look(clocks)
    for clocks.off in (step, NONE):
        assert off(clocks) == near()


def test_clocks_that_are_kept_are_never_set() -> None:
    clocks = Clocks()
    look(clocks)
    before = clocks._zero
    for by in (TOLERANCE, -TOLERANCE):
        assert not look(clocks, 0.9 * by)
    assert clocks._zero == before


def test_a_slow_answer_sets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was right at some moment of the wait."""
    monkeypatch.setattr(module, "TOLERANCE", NONE)
    clocks = Clocks()
    look(clocks)
    assert not look(clocks, -timedelta(seconds=2), took=3)
    assert off(clocks) == near()


@pytest.mark.parametrize(("theirs", "ahead"), [(5, 5), (0, 0), (-2, 0), (-3, 0), (-7, -4)])
def test_it_is_measured_at_the_least(theirs: int, ahead: int) -> None:
    """The answer took three seconds."""
    now = right()
    measured = apart(now + timedelta(seconds=theirs), now, time.monotonic() - 3)
    assert measured == pytest.approx(timedelta(seconds=ahead), abs=A_MOMENT)


@pytest.mark.parametrize("by", [TEN, -TEN])
def test_a_database_that_is_set_is_followed_and_told_of_once(by: timedelta) -> None:
    clocks = Clocks()
    look(clocks)
    assert look(clocks, by)
    assert off(clocks) == near(by)
    assert not look(clocks, by)


def test_a_database_in_another_year_is_not_followed() -> None:
    """Nobody can tell which is wrong, and the machine's own has at least been kept until now."""
    clocks, years = Clocks(), 2 * FOLLOWED_MOST
    assert not look(clocks, years)
    assert off(clocks) == near()
    look(clocks, TEN)
    assert look(clocks, -years)
    assert off(clocks) == near(), "neither by that one, nor by what an earlier one has said"
