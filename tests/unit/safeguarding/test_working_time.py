from datetime import UTC, date, datetime, time, timedelta

import pytest

from services.safeguarding.working_time import BANK_HOLIDAYS, ENGLAND, Days, Turn, on_duty

OFFICE = Turn("office", 1, Days.MON_FRI, time(9), time(17), bank_holidays=False)
NIGHT = Turn("night", 1, Days.MON_FRI, time(17), time(9), bank_holidays=False)
WEEKEND = Turn("weekend", 1, Days.SAT_SUN, bank_holidays=True)
ALWAYS = Turn("always", 1)


@pytest.mark.parametrize(
    ("turn", "at", "covered"),
    [
        (OFFICE, "2026-11-24T09:00:00+00:00", True),
        (OFFICE, "2026-11-24T08:59:59.999999+00:00", False),
        (OFFICE, "2026-11-24T16:59:59.999999+00:00", True),
        (OFFICE, "2026-11-24T17:00:00+00:00", False),
        (OFFICE, "2026-11-28T12:00:00+00:00", False),  # a Saturday
        (OFFICE, "2026-07-14T08:00:00+00:00", True),  # nine o'clock in summer
        (OFFICE, "2026-07-14T16:00:00+00:00", False),  # five o'clock in summer
        (OFFICE, "2026-07-14T09:30:00+09:00", False),  # half past one at night, told from Tokyo
        (OFFICE, "2026-12-25T12:00:00+00:00", False),  # Christmas, a Friday
        (OFFICE, "2026-12-28T12:00:00+00:00", False),  # the substitute for Boxing Day
        (OFFICE, "2027-03-26T12:00:00+00:00", False),  # Good Friday
        (OFFICE, "2026-12-29T12:00:00+00:00", True),
        (NIGHT, "2026-11-24T17:00:00+00:00", True),
        (NIGHT, "2026-11-25T08:59:59+00:00", True),
        (NIGHT, "2026-11-25T09:00:00+00:00", False),
        (NIGHT, "2026-11-28T03:00:00+00:00", True),  # Friday's night reaches into Saturday
        (NIGHT, "2026-11-29T03:00:00+00:00", False),  # Saturday has no night
        (NIGHT, "2026-11-30T03:00:00+00:00", False),  # nor has Sunday, into Monday
        (NIGHT, "2026-12-25T03:00:00+00:00", True),  # Christmas Eve's night
        (NIGHT, "2026-12-25T20:00:00+00:00", False),  # Christmas Day's own is not worked
        (NIGHT, "2026-12-26T03:00:00+00:00", False),
        (WEEKEND, "2026-11-28T00:00:00+00:00", True),
        (WEEKEND, "2026-11-29T23:59:59+00:00", True),
        (WEEKEND, "2026-11-30T00:00:00+00:00", False),
        (WEEKEND, "2026-12-25T12:00:00+00:00", True),  # a bank holiday counts, whatever its weekday
        (ALWAYS, "2026-12-25T00:00:00+00:00", True),
        # The night the clocks go forward, 29 March 2026: 00:59:59 UTC is 00:59:59, one second later it is 02:00.
        (Turn("x", 1, starts=time(1), ends=time(2)), "2026-03-29T00:59:59+00:00", False),
        (Turn("x", 1, starts=time(1), ends=time(2)), "2026-03-29T01:00:00+00:00", False),
        (Turn("x", 1, starts=time(2), ends=time(3)), "2026-03-29T01:00:00+00:00", True),
        # The night the clocks go back, 25 October 2026: 01:30 comes twice, and both are covered.
        (Turn("x", 1, starts=time(1), ends=time(2)), "2026-10-25T00:30:00+00:00", True),
        (Turn("x", 1, starts=time(1), ends=time(2)), "2026-10-25T01:30:00+00:00", True),
        (Turn("x", 1, starts=time(1), ends=time(2)), "2026-10-25T02:00:00+00:00", False),
    ],
)
def test_a_turn_covers_its_hours_as_england_counts_them(turn: Turn, at: str, covered: bool) -> None:
    assert turn.covers(datetime.fromisoformat(at)) is covered


def test_those_on_duty_come_in_their_order_deputies_after() -> None:
    rota = [Turn("deputy", 2), Turn("first", 1), Turn("office", 1, Days.MON_FRI, time(9), time(17)), Turn("also", 1)]
    at_night = datetime(2026, 11, 24, 23, tzinfo=UTC)
    assert [turn.person for turn in on_duty(rota, at_night)] == ["also", "first", "deputy"]


def gaps(rota: list[Turn]) -> list[datetime]:
    """Hours of 2026 at which nobody is on duty."""
    hours = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=each) for each in range(365 * 24))
    return [hour for hour in hours if not on_duty(rota, hour)]


def test_an_office_and_a_line_for_every_hour_leave_no_gap() -> None:
    assert gaps([OFFICE, Turn("out", 1, Days.EVERY_DAY, bank_holidays=True)]) == []


def test_office_night_and_weekend_leave_the_small_hours_after_a_day_off_open() -> None:
    """Sunday has no night into Monday, nor has a bank holiday: a rota needs a line for them."""
    open_hours = gaps([OFFICE, NIGHT, WEEKEND])
    assert datetime(2026, 11, 30, 3, tzinfo=UTC) in open_hours
    assert {hour.astimezone(ENGLAND).hour for hour in open_hours} == set(range(9))


@pytest.mark.parametrize(
    ("day", "is_one"),
    [
        (date(2026, 1, 1), True),
        (date(2026, 4, 3), True),
        (date(2026, 4, 6), True),
        (date(2026, 5, 4), True),
        (date(2026, 5, 25), True),
        (date(2026, 8, 31), True),
        (date(2026, 12, 25), True),
        (date(2026, 12, 28), True),
        (date(2026, 8, 3), False),  # Scotland's
        (date(2026, 3, 17), False),  # Northern Ireland's
        (date(2026, 12, 24), False),
    ],
)
def test_bank_holidays_are_englands(day: date, is_one: bool) -> None:
    assert (day in BANK_HOLIDAYS) is is_one


def change(person: str, hours: str, **more: object) -> Turn:
    """For hours of 24 November 2026, such as "18-23"."""
    first, last = (datetime(2026, 11, 24, int(hour), tzinfo=UTC) for hour in hours.split("-"))
    return Turn(person, 0, from_at=first, to_at=last, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "asked"),
    [
        ([], "ann ben"),
        ([change("cay", "18-23", in_place_of="ann")], "cay ben"),
        ([change("cay", "18-20", in_place_of="ann")], "ann ben"),  # over
        ([change("cay", "18-23", in_place_of="dee")], "ann ben"),  # who has no turn now
        ([change("ann", "18-23", away=True)], "ben"),
        ([change("ann", "18-23", away=True), change("cay", "18-23", in_place_of="ann")], "cay ben"),
        ([change("cay", "18-23", in_place_of="ann"), change("cay", "18-23", away=True)], "ann ben"),
        ([change("cay", "18-23", in_place_of="ann"), change("dee", "19-23", in_place_of="ann")], "dee ben"),
        ([change("cay", "18-23", in_place_of="ann"), change("dee", "18-23", in_place_of="cay")], "dee ben"),
        ([change("ben", "18-23", in_place_of="ann"), change("ann", "18-23", in_place_of="ben")], "ben ann"),
        ([change("cay", "18-23")], "cay ann ben"),
        ([change("ann", "18-23", away=True), change("ben", "18-23", away=True)], ""),
    ],
)
def test_a_change_of_the_rota_holds_for_its_time_alone(changes: list[Turn], asked: str) -> None:
    rota = [Turn("ann", 1), Turn("ben", 2), *changes]
    found = on_duty(rota, datetime(2026, 11, 24, 21, tzinfo=UTC))
    assert [turn.person for turn in found] == asked.split()
