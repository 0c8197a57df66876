"""The moments are what their names say, and the stories that are played in moved time begin alike from each of them."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from services.protocol.simulate import Happening, tell
from services.safeguarding.working_time import ENGLAND
from tests.e2e.test_while_time_moves import ACTS
from tests.moments.__main__ import build, moved, read_moment
from tests.moments.drawing import MOMENTS, drawn_on, next_of
from tests.support.histories.golden import BEFORE, Act, library_of_acts, plays

TODAY = datetime(2026, 12, 2, 9, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "moment", "crosses"),
    [
        ("a Tuesday before the stories begin", "2026-12-08 09:55", "2026-12-08 10:00"),
        ("the end of a month", "2027-01-31 23:58", "2027-02-01 00:00"),
        ("the turn of the year", "2026-12-31 23:58", "2027-01-01 00:00"),
        ("29 February", "2028-02-28 23:58", "2028-02-29 00:00"),
        ("the clocks going forward", "2027-03-28 00:58", "2027-03-28 02:00"),
        ("the clocks going back", "2027-10-31 01:58", "2027-10-31 02:00"),
    ],
)
def test_a_moment_is_just_before_what_makes_it_awkward(name: str, moment: str, crosses: str) -> None:
    found = next_of(name, TODAY)
    assert found == read_moment(moment)
    assert timedelta() < read_moment(crosses).astimezone(UTC) - found.astimezone(UTC) <= timedelta(minutes=62)


def test_each_moment_is_to_come_and_drawn_once_in_as_many_days_on_any_weekday() -> None:
    days = [TODAY + timedelta(days=each) for each in range(7 * len(MOMENTS))]
    drawn = [(drawn_on(each), each.weekday()) for each in days]
    assert len(set(drawn)) == len(drawn)
    assert {name for name, _ in drawn[: len(MOMENTS)]} == set(MOMENTS)
    assert all(next_of(name, day) > day for name in MOMENTS for day in days)


def test_a_day_draws_the_same_from_its_first_minute_to_its_last() -> None:
    summer = datetime(2027, 7, 1, tzinfo=ENGLAND)
    assert {drawn_on(summer + timedelta(minutes=each)) for each in (0, 59, 600, 1439)} == {drawn_on(summer)}


WAITS = """
import queue, sys, time
from datetime import UTC, datetime
began = time.monotonic()
time.sleep(0.2)
try:
    queue.Queue().get(timeout=0.2)
except queue.Empty:
    print(f"{datetime.now(UTC):%Y-%m-%d} {time.time() > 1.83e9} {0.4 <= time.monotonic() - began < 5}")
"""


def test_a_moved_process_tells_that_day_and_waits_as_long_as_before(tmp_path: Path) -> None:
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler (cc) to build the moved clock")
    ahead = datetime(2028, 2, 29, 12, tzinfo=UTC) - datetime.now(UTC)
    told = {**os.environ, **moved(ahead, build(tmp_path))}
    found = subprocess.run(
        (sys.executable, "-c", WAITS), env=told, capture_output=True, text=True, check=True, timeout=30
    )
    assert found.stdout == "2028-02-29 True True\n"


@pytest.mark.parametrize("name", MOMENTS)
@pytest.mark.parametrize("act", ACTS, ids=["by-day", "evening"])
def test_what_counts_from_the_entry_of_a_child_tells_nobody_in_an_act(act: Act, name: str) -> None:
    """Whenever the run starts: children who were entered on a Wednesday had carers unaware on the next, within the act."""
    moment = next_of(name, TODAY)
    for play in plays([act], moment):
        entered = play.begins - BEFORE
        assert entered > moment
        record = [Happening.model_validate({"at": "0m", "event": "child.record-changed"})]
        alone = {"begins": entered, "happens": record, "until": BEFORE + act.horizon, "answers": {}}
        said = tell(play.story.model_copy(update=alone), library_of_acts()).told
        assert [str(each) for each in said if each.after > BEFORE] == []
