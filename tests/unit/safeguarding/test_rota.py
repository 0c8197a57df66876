"""Who is on duty when, over days."""

from datetime import UTC, datetime, time
from itertools import pairwise

from services.safeguarding.working_time import Days, Turn, shifts

DAY = Turn("day", 1, Days.MON_FRI, time(9), time(17), bank_holidays=False)
NIGHT = Turn("night", 1, Days.MON_FRI, time(17), time(9), bank_holidays=False)


def at(day: int, hour: int, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, tzinfo=UTC)


def test_shifts_follow_one_another_without_a_gap() -> None:
    cover = Turn("ann", 0, from_at=at(24, 18), to_at=at(24, 23), in_place_of="night")
    found = shifts([DAY, NIGHT, cover], at(24, 12), at(25, 12))
    assert [(each.from_at.hour, each.to_at.hour, each.people) for each in found] == [
        (12, 17, ("day",)),
        (17, 18, ("night",)),
        (18, 23, ("ann",)),
        (23, 9, ("night",)),
        (9, 12, ("day",)),
    ]
    assert all(one.to_at == two.from_at for one, two in pairwise(found))


def test_the_clocks_going_back_move_no_hour_of_the_rota() -> None:
    found = shifts([DAY], at(23, 12, 10), at(26, 12, 10))
    assert [(each.from_at, each.people) for each in found] == [
        (at(23, 12, 10), ("day",)),
        (at(23, 16, 10), ()),
        (at(26, 9, 10), ("day",)),
    ]


def test_nobody_ever_is_one_gap() -> None:
    assert [each.people for each in shifts([], at(24, 12), at(26, 12))] == [()]
