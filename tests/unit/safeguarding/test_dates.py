"""Dates that no calendar can count from are refused where they are told, and shown where they were taken before."""

import json
from datetime import UTC, date, datetime

import pytest
from pydantic import BaseModel, ValidationError

from services.platform.messages.envelope import compose, read
from services.safeguarding.child_events.care_events import LeaveGranted
from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.working_time import Day, Moment, in_england

pytestmark = pytest.mark.usefixtures("each_moment")


class Told(BaseModel):
    at: Moment | None = None
    on: Day | None = None


EMPTY = {"authority": "kestrel", "last_seen_at": "0001-01-01T00:00:00Z"}
"""As a .NET system writes that nobody has filled it in."""


@pytest.mark.parametrize("at", ["2000-01-01T00:00:00+14:00", "2099-12-31T23:59:59-12:00", "2026-11-24T22:10:00Z"])
def test_a_moment_of_our_days_is_one(at: str) -> None:
    assert Told.model_validate({"at": at}).at == datetime.fromisoformat(at)


@pytest.mark.parametrize("on", ["1900-01-01", "2199-12-31"])
def test_a_day_of_a_life_is_one(on: str) -> None:
    assert Told.model_validate({"on": on}).on == date.fromisoformat(on)


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"at": "0001-01-01T00:00:00Z"}, "a time with its zone, from 2000 to 2099 is needed; what is not known is left out"),
        ({"at": "1999-12-31T23:59:59Z"}, "from 2000 to 2099"),
        ({"at": "9999-12-31T23:59:59Z"}, "from 2000 to 2099"),
        ({"on": "0001-01-01"}, "a day, YYYY-MM-DD, from 1900 to 2199 is needed; what is not known is left out"),
        ({"on": "1899-12-31"}, "from 1900 to 2199"),
        ({"on": "2200-01-01"}, "from 1900 to 2199"),
    ],
)  # fmt: skip
def test_any_other_is_refused_with_what_would_be_right(told: dict[str, str], wanted: str) -> None:
    with pytest.raises(ValidationError, match=wanted) as refused:
        Told.model_validate(told)
    [[field]] = [error["loc"] for error in refused.value.errors()]
    assert field in told


def test_the_schema_says_so_too() -> None:
    at, on = (Told.model_json_schema()["properties"][name]["anyOf"][0] for name in ("at", "on"))
    assert at == {"type": "string", "format": "date-time", "pattern": "^20[0-9]{2}-"}
    assert on == {"type": "string", "format": "date", "pattern": "^(19|20|21)[0-9]{2}-"}


def test_what_lies_on_the_bus_or_in_the_database_is_read_as_it_was_said() -> None:
    said = compose(
        ChildReportedMissing(authority="kestrel"), said_by="casework", subject="child-x", at=datetime.now(UTC)
    )
    earlier = json.loads(said) | {"data": EMPTY}
    on_the_bus = read(json.dumps(earlier).encode()).content
    assert on_the_bus == ChildReportedMissing.read_again(EMPTY)
    assert LeaveGranted.read_again({"authority": "kestrel", "expires_on": "9999-12-31"}).expires_on == date.max


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+00:00", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"])
def test_where_the_calendar_ends_a_moment_is_shown_as_it_was_told(at: str) -> None:
    assert in_england(datetime.fromisoformat(at)).isoformat() == at


def test_a_moment_is_shown_in_england_s_time_of_day() -> None:
    assert f"{in_england(datetime(2026, 7, 14, 21, 4, tzinfo=UTC)):%H:%M}" == "22:04"
