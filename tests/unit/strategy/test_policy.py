"""When a discussion is, who must be there, and which replies count."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as any_

from services.safeguarding.roles import Role
from services.strategy.policy import Attendance, Reply, counts, first_slot, lacking


@pytest.mark.parametrize(
    ("reported", "begins"),
    [
        ("2026-11-24T14:00:00", "2026-11-24T15:00:00"),
        ("2026-11-24T14:00:01", "2026-11-24T15:15:00"),
        ("2026-11-24T14:44:59", "2026-11-24T15:45:00"),
        ("2026-12-25T23:10:00", "2026-12-26T00:15:00"),
    ],
)
def test_the_first_discussion_is_the_next_quarter_that_leaves_an_hour_whatever_the_hour(
    reported: str, begins: str
) -> None:
    at = datetime.fromisoformat(reported).replace(tzinfo=UTC)
    assert first_slot(at) == datetime.fromisoformat(begins).replace(tzinfo=UTC)


@given(any_.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1), timezones=any_.just(UTC)))
def test_it_is_never_sooner_than_an_hour_nor_later_than_an_hour_and_a_quarter(now: datetime) -> None:
    begins = first_slot(now)
    assert timedelta(minutes=60) <= begins - now < timedelta(minutes=75)
    assert begins.minute % 15 == 0


def test_police_health_and_social_care_make_the_quorum() -> None:
    coming = [
        Attendance(Role.POLICE_MISSING_COORDINATOR, Reply.ACCEPTED),
        Attendance(Role.DUTY_WORKER, Reply.ACCEPTED),
        Attendance(Role.CHILD_HEALTH_PRACTITIONER, Reply.ACCEPTED),
    ]
    assert lacking(coming) == ()
    for place in range(3):
        assert len(lacking(coming[:place] + coming[place + 1 :])) == 1


@pytest.mark.parametrize("reply", [Reply.WAITING, Reply.TENTATIVE, Reply.DECLINED, Reply.COUNTER])
def test_only_who_comes_for_certain_takes_a_seat(reply: Reply) -> None:
    assert "police" in lacking([Attendance(Role.POLICE_MISSING_COORDINATOR, reply)])


def test_guardian_and_home_office_do_not_make_a_quorum() -> None:
    coming = [
        Attendance(Role.CHILD_GUARDIAN, Reply.ACCEPTED),
        Attendance(Role.HOME_OFFICE_MISSING_DESK, Reply.ACCEPTED),
    ]
    assert lacking(coming) == ("police", "health", "social-care")


@pytest.mark.parametrize(("sequence", "current", "good"), [(0, 0, True), (0, 1, False), (1, 1, True), (2, 1, False)])
def test_a_reply_counts_for_the_date_that_it_was_given_to(sequence: int, current: int, good: bool) -> None:
    assert counts(Reply.ACCEPTED, sequence=sequence, current=current) is good
