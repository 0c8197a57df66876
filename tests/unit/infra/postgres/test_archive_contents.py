"""What the names in a place say: what can be restored to when, what is missing, what is too old."""

from datetime import UTC, datetime, timedelta

import pytest

from infra.postgres.archive.contents import (
    NothingToRestore,
    base_name,
    place_before,
    place_of,
    read_contents,
    read_forks,
    segment_at,
    wal_name,
)

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def held(*names: str) -> list[str]:
    return [*names, *(f"{name}.sig" for name in names)]


def segment(number: int, timeline: int = 1) -> str:
    return f"{timeline:08X}{number // 256:08X}{number % 256:08X}"


def wal(*numbers: int, system: str = "7", timeline: int = 1) -> list[str]:
    return [wal_name(system, f"{segment(each, timeline)}.gz") for each in numbers]


DAILY = [base_name("7", NOON - days * DAY, segment(10 - days)) for days in (3, 2, 1)]
WHOLE = held(*DAILY, *wal(*range(7, 13)), wal_name("7", "00000002.history.gz"))


@pytest.mark.parametrize(
    ("at", "found"),
    [(None, DAILY[2]), (NOON - 2 * DAY, DAILY[1]), (NOON - 2 * DAY - timedelta(seconds=1), DAILY[0])],
)
def test_the_newest_base_that_was_finished_by_then_is_taken(at: datetime | None, found: str) -> None:
    assert read_contents(WHOLE).base_for(at).name == found


@pytest.mark.parametrize(
    ("names", "says"), [(WHOLE, "the oldest is of 2026-11-24 12:00:00 UTC"), ([], "no base backup")]
)
def test_a_moment_before_the_oldest_base_cannot_be_restored(names: list[str], says: str) -> None:
    with pytest.raises(NothingToRestore, match=says):
        read_contents(names).base_for(NOON - 9 * DAY)


@pytest.mark.parametrize(
    ("numbers", "gap"),
    [((9, 10, 11), None), ((9, 11), 10), ((), 9), ((10, 11), 9)],
)
def test_a_gap_in_what_follows_the_base_is_found(numbers: tuple[int, ...], gap: int | None) -> None:
    contents = read_contents(held(DAILY[2], *wal(*numbers)))
    assert contents.wal_after(contents.base_for(None))[1] == gap


def test_wal_of_a_later_timeline_goes_on_where_the_former_ended() -> None:
    contents = read_contents(
        held(DAILY[2], *wal(9, 10), *wal(10, 11, timeline=2), wal_name("7", "00000002.history.gz"))
    )
    names, gap = contents.wal_after(contents.base_for(None))
    assert gap is None
    assert names == [wal_name("7", "00000002.history.gz"), *wal(9, 10), *wal(10, 11, timeline=2)]


SECOND = read_forks("1\t0/A000028\tbefore 2026-11-26 12:00:00+00\n")
"""A second timeline that began in segment 10."""
FINISHED, UNFINISHED = (base_name("7", NOON - DAY, segment(8), segment(last)) for last in (9, 10))
"""Before the second timeline began, and perhaps after."""


@pytest.mark.parametrize(
    ("names", "newest", "bases"),
    [
        ([DAILY[2], *wal(9, 10)], 9, [DAILY[2]]),
        ([DAILY[2], *wal(9, 10), *wal(10, 11, timeline=2)], 11, [DAILY[2]]),
        ([DAILY[2], *wal(*range(9, 40))], 9, []),
        ([DAILY[2], *wal(*range(9, 40)), *wal(10, 11, timeline=2)], 11, []),
        (
            [DAILY[2], base_name("7", NOON, segment(11, 2)), *wal(9, 30), *wal(11, timeline=2)],
            11,
            [base_name("7", NOON, segment(11, 2))],
        ),
        ([DAILY[2], *wal(9), *wal(12, timeline=3)], 9, []),
        ([FINISHED, *wal(*range(9, 40))], 9, [FINISHED]),
        ([FINISHED, *wal(8, 9, 10, 11), *wal(10, 11, timeline=2)], 11, [FINISHED]),
        ([UNFINISHED, *wal(*range(9, 40)), *wal(10, 11, timeline=2)], 11, []),
    ],
    ids=[
        "failed over just now",
        "failed over",
        "restored to a moment",
        "and goes on",
        "and has a base",
        "another branch",
        "restored to a moment after a base",
        "more was received than the standby had",
        "a base was under way",
    ],
)
def test_what_was_written_on_a_timeline_after_it_was_left_does_not_count(
    names: list[str], newest: int, bases: list[str]
) -> None:
    found = read_contents(held(*names)).along(2, SECOND)
    assert (found.newest_segment, [each.name for each in found.bases]) == (newest, bases)


def test_on_the_first_timeline_everything_of_it_counts() -> None:
    assert read_contents(WHOLE).along(1, read_forks("")) == read_contents(WHOLE)


def test_a_file_without_its_signature_does_not_count() -> None:
    assert read_contents([*held(DAILY[2], *wal(9)), *wal(10)]).newest_segment == 9


def test_another_database_in_the_same_place_is_kept_apart() -> None:
    other = base_name("8", NOON, segment(1))
    names = [*WHOLE, *held(other, *wal(1, system="8"))]
    assert read_contents(names).base_for(None).name == other
    assert read_contents(names, "7") == read_contents(WHOLE)


@pytest.mark.parametrize(
    ("keep", "gone"),
    [
        (4 * DAY, []),
        (2.5 * DAY, []),
        (1.5 * DAY, [DAILY[0], *wal(7)]),
        (timedelta(hours=1), [DAILY[0], DAILY[1], *wal(7, 8)]),
    ],
)
def test_what_no_moment_within_the_period_needs_goes(keep: timedelta, gone: list[str]) -> None:
    assert list(read_contents(WHOLE).outdated(NOON, keep)) == gone


def test_places_in_the_wal_are_reckoned_as_postgresql_does() -> None:
    assert place_of("000000010000000100000000") == 256
    assert [place_before("1/0"), place_before("1/1"), place_before("0/2000000")] == [255, 256, 1]
    assert segment_at("0/2000028", 3) == "000000030000000000000002"
