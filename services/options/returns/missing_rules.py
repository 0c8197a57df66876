"""The Department's rules for the table Missing of the return on looked-after children (SSDA903), for 2026-27: which
rows would come back.

Its other rules compare the table with tables that are not ours (577, 578 and 581 with Episodes).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise

Row = Mapping[str, str | None]
"""As the file has it: CHILD, DOB, MISSING, MIS_START and MIS_END, days as DD/MM/YYYY."""
STATES = ("M", "A")


@dataclass(frozen=True, slots=True)
class Fault:
    row: int
    """Its place in the table, from 0."""
    rule: str
    """The Department's number."""


@dataclass(frozen=True, slots=True)
class _Read:
    row: Row
    born: date | None
    started: date | None
    ended: date | None


RULES: Mapping[str, Callable[[_Read, date, date], bool]] = {
    "564": lambda each, _first, _last: (each.row["MISSING"] or "").upper() in STATES and not each.row["MIS_START"],
    "565": lambda each, _first, _last: bool(each.row["MIS_START"]) and not each.row["MISSING"],
    "566": lambda each, _first, _last: bool(each.row["MIS_END"]) and not each.row["MISSING"],
    "567": lambda each, _first, _last: _is_after(each.started, each.ended),
    "570": lambda each, _first, last: _is_after(each.started, last),
    "571": lambda each, first, last: _is_after(first, each.ended) or _is_after(each.ended, last),
    "586": lambda each, _first, _last: _is_after(each.born, each.started) or each.born == each.started is not None,
    "1004": lambda each, _first, _last: each.started is None,
    "1005": lambda each, _first, _last: bool(each.row["MIS_END"]) and each.ended is None,
    "1006": lambda each, _first, _last: bool(each.row["MISSING"]) and each.row["MISSING"] not in STATES,
}
MEANINGS = {
    "564": "the child was missing or away, and the start is blank",
    "565": "there is a start, and not whether the child was missing or away",
    "566": "there is an end, and not whether the child was missing or away",
    "567": "it ends before it starts",
    "570": "it starts after the end of the period",
    "571": "it ends outside the period",
    "574": "it starts while the one before goes on",
    "586": "it starts on the day of birth or before it",
    "1004": "its start is no day",
    "1005": "its end is no day",
    "1006": "it is neither missing (M) nor away (A)",
}
"""What is wrong with the absence of a row, by the rule that it breaks."""


def find_faults(rows: Sequence[Row], first: date, last: date) -> list[Fault]:
    """In the order of the rows. `first` and `last`: the days of the period."""
    read = [_Read(row, *(_day(row[name]) for name in ("DOB", "MIS_START", "MIS_END"))) for row in rows]
    found = [
        Fault(place, rule)
        for place, each in enumerate(read)
        for rule, is_broken in RULES.items()
        if is_broken(each, first, last)
    ]
    found += [Fault(place, "574") for place in _find_overlaps(read)]
    return sorted(found, key=lambda each: (each.row, int(each.rule)))


def _find_overlaps(read: Sequence[_Read]) -> Iterator[int]:
    """Rows of a child that start before the one before it, by its end, is over. Without an end, its start counts."""

    def order(place: int) -> tuple[str, date, date]:
        each = read[place]
        return each.row["CHILD"] or "", each.ended or each.started or date.max, each.started or date.max

    places = sorted(range(len(read)), key=order)
    for before, place in pairwise(places):
        one, next_one = read[before], read[place]
        if one.row["CHILD"] == next_one.row["CHILD"] and (one.ended is None or _is_after(one.ended, next_one.started)):
            yield place


def _day(written: str | None) -> date | None:
    try:
        return datetime.strptime(written or "", "%d/%m/%Y").date()  # noqa: DTZ007 a day has no zone
    except ValueError:
        return None


def _is_after(one: date | None, other: date | None) -> bool:
    return one is not None and other is not None and one > other
