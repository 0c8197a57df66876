"""When a discussion is, who must be there, and which replies count."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as any_

from services.safeguarding.roles import Role
from services.safeguarding.working_time import ENGLAND, in_working_hours, working_day_after
from services.strategy.discussions.policy import (
    Attendance,
    Reply,
    choose_start,
    doubled_seats,
    lacking_seats,
    taken_seats,
)
from tests.support.histories.meetings import AT_ONCE, IN_FULL


@pytest.mark.parametrize(
    ("reported", "begins_at"),
    [
        ("2026-11-24T14:00:00", "2026-11-24T15:00:00"),
        ("2026-11-24T14:14:59", "2026-11-24T15:00:00"),
        ("2026-11-24T14:15:00", "2026-11-24T15:15:00"),
        ("2026-11-24T15:59:00", "2026-11-24T16:45:00"),
        ("2026-07-01T15:30:00", "2026-07-01T16:15:00"),
        ("2026-11-24T16:00:00", "2026-11-24T16:45:00"),
        ("2026-11-24T23:10:00", "2026-11-24T23:45:00"),
        ("2026-11-28T11:00:00", "2026-11-28T11:45:00"),
        ("2026-12-25T11:00:00", "2026-12-25T11:45:00"),
        ("2026-11-25T08:50:00", "2026-11-25T09:30:00"),
    ],
    ids=[
        "by day", "a quarter less a second", "on the quarter", "it would end the day", "half past four in summer time", "five is night",
        "at night", "a Saturday", "Christmas", "before nine",
    ],
)  # fmt: skip
def test_an_urgent_discussion_is_within_the_hour_by_day_and_sooner_by_night(reported: str, begins_at: str) -> None:
    at = datetime.fromisoformat(reported).replace(tzinfo=UTC)
    assert choose_start(AT_ONCE, at, urgent_at=None) == datetime.fromisoformat(begins_at).replace(tzinfo=UTC)


MOMENTS = any_.datetimes(min_value=datetime(2026, 1, 1), max_value=datetime(2030, 1, 1), timezones=any_.just(UTC))


@given(MOMENTS)
def test_an_urgent_discussion_keeps_to_what_its_rule_says_at_every_hour(now: datetime) -> None:
    at = choose_start(AT_ONCE, now, urgent_at=None)
    by_day = in_working_hours(now) and in_working_hours(now + AT_ONCE.day - timedelta(minutes=15))
    assert timedelta(minutes=30) < at - now <= (AT_ONCE.day if by_day else AT_ONCE.night) or not in_working_hours(at)
    assert at - now <= AT_ONCE.day
    assert at.minute % 15 == 0


@pytest.mark.parametrize(
    ("now", "urgent_at", "begins_at"),
    [
        ("2026-11-24T15:00:00", "2026-11-24T13:00:00", "2026-11-27T10:00:00"),
        ("2026-11-28T03:00:00", "2026-11-28T01:00:00", "2026-12-02T10:00:00"),
        ("2026-12-23T15:00:00", "2026-12-23T13:00:00", "2026-12-30T10:00:00"),
        ("2026-03-26T15:00:00", "2026-03-26T13:00:00", "2026-03-31T09:00:00"),
        ("2026-10-22T15:00:00", "2026-10-22T12:00:00", "2026-10-27T10:00:00"),
        ("2026-11-27T07:00:00", "2026-11-24T13:00:00", "2026-11-30T10:00:00"),
        ("2026-12-01T09:00:00", "2026-11-24T13:00:00", "2026-12-02T10:00:00"),
    ],
    ids=[
        "the third working day", "over a weekend", "over Christmas", "ten is nine once the clocks go forward", "ten is ten once they go back",
        "too little notice", "the five days are over",
    ],
)  # fmt: skip
def test_a_full_meeting_is_on_a_working_day_after_the_urgent_discussion(
    now: str, urgent_at: str, begins_at: str
) -> None:
    told, urgent, expected = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (now, urgent_at, begins_at))
    assert choose_start(IN_FULL, told, urgent_at=urgent) == expected


@given(MOMENTS)
def test_a_full_meeting_recorded_the_same_day_is_always_within_five_working_days(now: datetime) -> None:
    at = choose_start(IN_FULL, now, urgent_at=now)
    assert in_working_hours(at)
    assert at.astimezone(ENGLAND).time() == IN_FULL.at
    assert at <= working_day_after(now, IN_FULL.latest, IN_FULL.at)
    assert at - now >= IN_FULL.notice


BY_DAY, BY_NIGHT = datetime(2026, 11, 24, 11, tzinfo=UTC), datetime(2026, 11, 24, 22, tzinfo=UTC)


def test_police_health_and_social_care_make_the_quorum_and_by_night_those_on_call() -> None:
    coming = [
        Attendance(Role.POLICE_MISSING_COORDINATOR, Reply.ACCEPTED),
        Attendance(Role.DUTY_WORKER, Reply.ACCEPTED),
        Attendance(Role.CHILD_HEALTH_PRACTITIONER, Reply.ACCEPTED),
    ]
    assert lacking_seats(coming[:2], BY_NIGHT) == ()
    assert lacking_seats(coming[1:], BY_NIGHT) == ("police",)
    assert lacking_seats(coming, BY_DAY) == ()
    for place in range(3):
        assert len(lacking_seats(coming[:place] + coming[place + 1 :], BY_DAY)) == 1


@pytest.mark.parametrize(
    "role",
    [
        Role.CHILD_SOCIAL_WORKER,
        Role.CHILD_TEAM_MANAGER,
        Role.DUTY_WORKER,
        Role.DUTY_EMERGENCY_TEAM,
        Role.DUTY_SENIOR_MANAGER,
    ],
)
def test_whoever_of_social_care_comes_takes_its_seat(role: Role) -> None:
    assert lacking_seats([Attendance(role, Reply.ACCEPTED)], BY_DAY) == ("police", "health")


@pytest.mark.parametrize("reply", [Reply.WAITING, Reply.TENTATIVE, Reply.DECLINED, Reply.COUNTER])
def test_only_who_comes_for_certain_takes_a_seat(reply: Reply) -> None:
    assert "police" in lacking_seats([Attendance(Role.POLICE_MISSING_COORDINATOR, reply)], BY_DAY)


def test_guardian_and_home_office_do_not_make_a_quorum() -> None:
    coming = [
        Attendance(Role.CHILD_GUARDIAN, Reply.ACCEPTED),
        Attendance(Role.HOME_OFFICE_MISSING_DESK, Reply.ACCEPTED),
    ]
    assert lacking_seats(coming, BY_DAY) == ("police", "health", "social-care")


BY_DAY = datetime(2026, 11, 24, 14, tzinfo=UTC)
POLICE, HEALTH, WORKER = (
    Role.POLICE_MISSING_COORDINATOR,
    Role.CHILD_HEALTH_PRACTITIONER,
    Role.CHILD_SOCIAL_WORKER,
)


def accepting(role: Role, person: str, *, engaged: bool = False) -> Attendance:
    return Attendance(role, Reply.ACCEPTED, person=person, engaged=engaged)


def test_who_is_expected_elsewhere_takes_no_seat_until_a_colleague_does() -> None:
    told = [accepting(POLICE, "p"), accepting(WORKER, "w"), accepting(HEALTH, "h", engaged=True)]
    assert lacking_seats(told, BY_DAY) == doubled_seats(told, BY_DAY) == ("health",)
    told.append(accepting(HEALTH, "deputy"))
    assert lacking_seats(told, BY_DAY) == doubled_seats(told, BY_DAY) == ()


def test_nobody_takes_two_seats_of_one_discussion() -> None:
    both = [accepting(HEALTH, "x"), accepting(WORKER, "x"), accepting(POLICE, "p")]
    assert lacking_seats(both, BY_DAY) == ("social-care",)
    assert taken_seats([*both, accepting(HEALTH, "h")]) == ("police", "health", "social-care")
    assert taken_seats([*both, accepting(Role.DUTY_WORKER, "d")]) == ("police", "health", "social-care")


def test_who_has_not_accepted_is_counted_twice_by_nobody() -> None:
    waiting = Attendance(HEALTH, Reply.TENTATIVE, person="h", engaged=True)
    assert doubled_seats([waiting], BY_DAY) == ()
