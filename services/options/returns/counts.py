"""Counts what an authority owes for a period: absences, and the checks and interviews after them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from services.safeguarding.identifiers import AuthorityId, ChildId, is_provisional
from services.safeguarding.working_time import ENGLAND, in_england

DAY, THREE_DAYS, TOGETHER = timedelta(hours=24), timedelta(hours=72), timedelta(hours=1)
APRIL = 4
"""A collection year begins with its first day."""


@dataclass(frozen=True, slots=True)
class Absence:
    """`missing`: M, or A where the child was away without authorisation. `home` and `code`: None, if not known."""

    episode: UUID
    reference: str
    child: ChildId
    authority: AuthorityId
    missing: str
    started_at: datetime
    ended_at: datetime | None
    checked_at: datetime | None
    offered_at: datetime | None
    held_at: datetime | None
    declined_at: datetime | None
    told: Mapping[str, datetime]
    code: str | None
    home: str | None

    def within(self, deed: datetime | None, limit: timedelta) -> bool:
        return deed is not None and self.ended_at is not None and deed <= self.ended_at + limit


@dataclass(frozen=True, slots=True)
class Period:
    """`name`: a month, such as 2026-11, or the year in which a collection year begins, such as 2026."""

    name: str
    start: datetime
    end: datetime

    def began_within(self, months: int, now: datetime) -> bool:
        """In one of the last whole months of UTC, so many and this one: what is kept by month is kept of all of it."""
        return 12 * (now.year - self.start.year) + now.month - self.start.month <= months


def period_of(name: str) -> Period | None:
    year, _, month = name.partition("-")
    try:
        first = datetime(int(year), int(month or APRIL), 1, tzinfo=ENGLAND)
        months = first.month if month else first.month + 11
        end = first.replace(year=first.year + months // 12, month=months % 12 + 1)
    except (ValueError, OverflowError):
        return None
    return Period(f"{first:%Y-%m}" if month else f"{first:%Y}", first.astimezone(UTC), end.astimezone(UTC))


Counts = Mapping[str, Sequence[Absence]]


def count_absences(absences: Sequence[Absence]) -> Counts:
    """Each number by its name, as the absences that it counts. A report of which nobody knows the child yet may be one
    of the others: it stands apart, and is in no other number.
    """
    unknown = [each for each in absences if is_provisional(each.child)]
    absences = [each for each in absences if not is_provisional(each.child)]
    back = [each for each in absences if each.ended_at is not None]
    repeats, homes = _groups(absences, lambda each: each.child), by_home(absences)
    return {
        "absences": absences,
        "missing": [each for each in absences if each.missing == "M"],
        "away": [each for each in absences if each.missing == "A"],
        "repeats": [each for group in repeats.values() if len(group) > 1 for each in group],
        "together": [each for each in absences if any(_went_together(each, other) for other in homes[each.home or ""])],
        "back": back,
        "checked": [each for each in back if each.checked_at],
        "checked-24h": [each for each in back if each.within(each.checked_at, DAY)],
        "offered-24h": [each for each in back if each.within(_first_offer(each), DAY)],
        "held": [each for each in back if each.held_at],
        "held-72h": [each for each in back if each.within(each.held_at, THREE_DAYS)],
        "declined": [each for each in back if each.declined_at and not each.held_at],
        "not-identified": unknown,
        "no-interview": [each for each in back if not each.held_at and not each.declined_at],
    }


def by_home(absences: Iterable[Absence]) -> Counts:
    return _groups(absences, lambda each: each.home or "")


def by_hour(absences: Iterable[Absence]) -> Counts:
    """Of England's day."""
    return _groups(absences, lambda each: f"{in_england(each.started_at):%H}:00")


def _first_offer(absence: Absence) -> datetime | None:
    """An interview that was held or declined had been offered by then."""
    return min(filter(None, (absence.offered_at, absence.held_at, absence.declined_at)), default=None)


def _went_together(one: Absence, other: Absence) -> bool:
    return one.home is not None and one.child != other.child and abs(one.started_at - other.started_at) <= TOGETHER


def _groups(absences: Iterable[Absence], key: Callable[[Absence], str]) -> dict[str, list[Absence]]:
    found: dict[str, list[Absence]] = {}
    for each in sorted(absences, key=key):
        found.setdefault(key(each), []).append(each)
    return found
