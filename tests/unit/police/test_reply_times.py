"""When a force says that something happened, on its wall clock, and when that was in our story."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import Problem
from services.police.replies import Reply, ReplyType
from services.police.web.webhooks import came_about
from tests.support.in_process.delivery import received

NOW = datetime(2026, 11, 24, 16, tzinfo=UTC)
MOVED = timedelta(days=3)
TOLD = NOW - timedelta(hours=20)
REPORTED = TOLD - timedelta(hours=1)
RETURNED, ACKNOWLEDGED = ReplyType.RETURNED, ReplyType.ACKNOWLEDGED
OF_THE_CHILD = (ReplyType.LOCATED, RETURNED, ReplyType.SAFE_AND_WELL_CHECKED)
TAKEN_AHEAD = (ACKNOWLEDGED, ReplyType.REFERENCE_GIVEN, ReplyType.INFORMATION)


class Stopped(Clocks):
    """`wrong`: how far the database's clock, which is followed, is from the machine's."""

    def __init__(self, offset: timedelta = timedelta(), wrong: timedelta = timedelta()) -> None:
        super().__init__(offset)
        self._wrong = wrong

    def own(self) -> datetime:
        return NOW

    def wall(self) -> datetime:
        return NOW + self._wrong

    def story(self) -> datetime:
        return self.wall() + self.offset


def at(
    said: str | datetime,
    clocks: Clocks | None = None,
    kind: ReplyType = RETURNED,
    *,
    reported: datetime | None = None,
    told: datetime = TOLD,
) -> datetime:
    clocks = clocks or Stopped()
    about: dict[str, Any] = {
        "notice": str(uuid4()),
        "officer": {"name": "PC Adeyemi", "collar_number": "NP 4127"},
        "reference": "NP-1",
        "grade": "high",
        "words": "seen at the station",
    }
    reply = Reply.model_validate({"type": kind, "timestamp": said, "data": about})
    since = None if reported is None else reported + clocks.offset
    return came_about(reply, received(created_at=told + clocks.offset, missing_since=since).content, clocks)


@pytest.mark.parametrize("offset", [timedelta(), MOVED])
@pytest.mark.parametrize(
    ("said", "happened"),
    [
        ("2026-11-24T05:30:00Z", NOW - timedelta(hours=10.5)),
        ("2026-11-24T06:30:00+01:00", NOW - timedelta(hours=10.5)),
        ("2026-11-24T16:00:01Z", NOW),
        ("2026-11-24T16:05:00Z", NOW),
        ("2026-11-20T05:30:00Z", TOLD),
        ("2000-01-02T00:00:00+12:00", TOLD),
    ],
)
def test_it_happened_when_the_force_says_but_not_before_it_was_told_nor_after_now(
    said: str, happened: datetime, offset: timedelta
) -> None:
    assert at(said, Stopped(offset)) == happened + offset
    assert at(said, Stopped(offset)).tzinfo is UTC


@pytest.mark.parametrize("offset", [timedelta(), MOVED])
@pytest.mark.parametrize("kind", OF_THE_CHILD)
def test_news_of_the_child_from_before_its_report_is_refused_by_the_time_and_says_what_is_right(
    kind: ReplyType, offset: timedelta
) -> None:
    with pytest.raises(Problem) as refused:
        at(REPORTED - timedelta(minutes=5, seconds=1), Stopped(offset), kind, reported=REPORTED)
    assert (refused.value.status, refused.value.field) == (422, "timestamp")
    assert refused.value.errors == [{"field": "timestamp", "detail": refused.value.detail}]
    assert "before the child was reported missing" in refused.value.detail


@pytest.mark.parametrize("kind", OF_THE_CHILD)
def test_a_clock_that_is_behind_by_no_more_than_a_signature_may_be_is_of_the_reports_own_moment(
    kind: ReplyType,
) -> None:
    assert at(REPORTED - timedelta(minutes=5), kind=kind, reported=REPORTED) == REPORTED


def test_a_return_before_a_later_notice_of_the_absence_is_of_when_it_happened() -> None:
    """A newer report may have brought that notice: the child left again after this return."""
    happened = TOLD + timedelta(hours=1)
    assert at(happened, reported=REPORTED, told=TOLD + timedelta(hours=2)) == happened


@pytest.mark.parametrize("kind", sorted(set(ReplyType) - {*OF_THE_CHILD}))
def test_what_is_not_of_the_child_may_be_from_before_the_report(kind: ReplyType) -> None:
    assert at(REPORTED - timedelta(days=1), kind=kind, reported=REPORTED) == TOLD


@pytest.mark.parametrize("kind", sorted(set(ReplyType) - {*TAKEN_AHEAD}))
def test_a_time_in_the_future_is_refused_beyond_what_a_clock_may_be_ahead(kind: ReplyType) -> None:
    with pytest.raises(Problem) as refused:
        at(NOW + timedelta(minutes=5, seconds=1), kind=kind)
    assert (refused.value.status, refused.value.field) == (422, "timestamp")
    assert "in the future" in refused.value.detail


@pytest.mark.parametrize("kind", TAKEN_AHEAD)
def test_an_acknowledgement_a_reference_and_a_sighting_are_taken_whatever_the_forces_clock_says(
    kind: ReplyType,
) -> None:
    assert at("2099-12-31T00:00:00-12:00", kind=kind) == NOW


@pytest.mark.parametrize("wrong", [timedelta(minutes=-30), timedelta(minutes=30)])
def test_a_wrong_clock_of_our_database_gets_no_reply_refused(wrong: timedelta) -> None:
    at(NOW, Stopped(wrong=wrong), reported=NOW + wrong - timedelta(minutes=1), told=NOW + wrong)
