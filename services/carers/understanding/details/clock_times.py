"""Finds times of day and spans of time, as people type and dictate them. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from services.carers.understanding.languages.lexicon import load_each, load_patterns
from services.carers.understanding.languages.word_lists import NUMBERS

Half: TypeAlias = Literal["am", "pm"]

TENS = {"thirty": 30, "forty": 40, "fifty": 50}
NAMES = {"midnight": 0, "midday": 12, "noon": 12}
PATTERNS = load_patterns("clock_times")
CLOCK = load_each("clock_times")["clock"]


@dataclass(frozen=True, slots=True)
class ClockTime:
    """A time of day. `start` and `end` are its place in the words, without the preposition."""

    start: int
    end: int
    hour: int
    minute: int
    half: Half | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time: how long ago if `ago`, else for how long."""

    start: int
    end: int
    length: timedelta
    ago: bool


def list_times(words: str) -> list[ClockTime | Span]:
    """In the order of the words, which are in lower case and without apostrophes."""
    found: list[ClockTime | Span] = list(_find_spans(words))
    for pattern in CLOCK:
        for match in pattern.finditer(words):
            time = _parse_time(match)
            if time is None or PATTERNS["of_a_journey"].match(words, time.end):
                continue
            if all(time.end <= each.start or time.start >= each.end for each in found):
                found.append(time)
    return sorted(found, key=lambda each: each.start)


def _find_spans(words: str) -> Iterator[Span]:
    for each in PATTERNS["ago"].finditer(words):
        if each["half"] is not None:
            length = timedelta(minutes=30)
        elif each["halves"] is not None:
            length = timedelta(hours=_parse_number(each["halves"]), minutes=30)
        else:
            count = _parse_number(each["count"] or "an")
            minutes = (each["unit"] or "hour").startswith("m")
            length = timedelta(minutes=count) if minutes else timedelta(hours=count)
        yield Span(each.start(), each.end(), length, each["ago"] is not None)


def _parse_time(match: re.Match[str]) -> ClockTime | None:
    """None where the words are no time, such as "ten nine"."""
    parts = match.groupdict()
    if parts.get("name"):
        return ClockTime(
            match.start(), match.end(), NAMES[parts["name"]], 0, "am" if parts["name"] == "midnight" else "pm"
        )
    hour, minute = _parse_number(parts["hour"]), _parse_number(parts.get("minute") or "0")
    if parts.get("part"):
        if not parts["way"] and parts["part"] != "half":
            return None
        minute = _parse_number(parts["part"])
        hour, minute = (hour - 1, 60 - minute) if parts["way"] == "to" else (hour, minute)
    start = match.start("part" if parts.get("part") else "hour")
    half = parts.get("half")
    return ClockTime(start, match.end(), hour, minute, "am" if half == "am" else "pm" if half == "pm" else None)


def _parse_number(written: str) -> int:
    """Adds up the words, as in "twenty five" and "oh five"."""
    named = {"a": 1, "an": 1, "a couple of": 2, "couple of": 2, "half": 30, "quarter": 15}
    if written in named:
        return named[written]
    return sum(
        int(each) if each.isdecimal() else TENS.get(each) or NUMBERS.index(each) + 1
        for each in written.split()
        if each not in {"o", "oh"}
    )
