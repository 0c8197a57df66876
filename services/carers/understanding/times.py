"""Finds times of day and spans of time, as people type and dictate them. Pure.

Finds when a child was last seen, where the text is sure. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as clock_time
from enum import Enum
from typing import Literal, TypeAlias

from services.carers.understanding.languages.lexicon import NUMBERS, load_each, load_patterns
from services.safeguarding.working_time import day_in_england, moment_of

Half: TypeAlias = Literal["am", "pm"]

TENS = {"thirty": 30, "forty": 40, "fifty": 50}
NAMES = {"midnight": 0, "midday": 12, "noon": 12}
CLOCK_PATTERNS = load_patterns("clock_times")
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
            if time is None or CLOCK_PATTERNS["of_a_journey"].match(words, time.end):
                continue
            if all(time.end <= each.start or time.start >= each.end for each in found):
                found.append(time)
    return sorted(found, key=lambda each: each.start)


def _find_spans(words: str) -> Iterator[Span]:
    for each in CLOCK_PATTERNS["ago"].finditer(words):
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


LONGEST_AGO = timedelta(hours=24)


class Kind(Enum):
    NOTICED = "noticed"
    DUE = "due"
    SEEN = "seen"
    STATE = "state"
    """Gone. Only "since" says when that began; "gone at 9" may be when somebody noticed."""
    OTHER = "other"
    """About something else."""


PATTERNS = load_patterns("times")
CUES = {kind: PATTERNS[kind.value] for kind in Kind}
HALVES: tuple[Half, ...] = ("pm", "am")
WRITTEN_OUT = (
    (re.compile(r"\b([ap])\.m\b\.?|\b([ap]) m\b"), r"\1\2m"),
    (re.compile(r"(?<=\d)([ap])\.? ?m\b\.?"), r"\1m"),
    (re.compile("['`\u2018\u2019]"), ""),
    (re.compile("[-\u2013\u2014:](?!\\d)"), " "),
    (re.compile("  +"), " "),
)


def find_last_seen(text: str, at: datetime) -> datetime | None:
    """`at`: when the text came; the time lies at most a day before it. None where it gives no time, or several."""
    said = text.casefold()
    for pattern, plain in WRITTEN_OUT:
        said = pattern.sub(plain, said)
    clauses = [(words, list_times(words)) for words in PATTERNS["ends_of_clause"].split(said) if words.strip()]
    alone = sum(len(times) for _, times in clauses) == 1
    found: set[datetime | None] = set()
    before: Kind | None = None
    for words, times in clauses:
        for place, time in enumerate(times):
            before = _classify_time(words, times, place, before)
            if before is Kind.SEEN:
                around = said if alone else words if len(times) == 1 else ""
                found.add(None if PATTERNS["unsure"].search(words) else _find_moment(words, around, time, at))
        if not times:
            before = _find_nearest(words)
    return next(iter(found)) if len(found) == 1 else None


def _classify_time(words: str, times: list[ClockTime | Span], place: int, before: Kind | None) -> Kind | None:
    """Classifies a time by the nearest cue before it in its clause, else after it, else in the clause before."""
    time = times[place]
    since_last = words[times[place - 1].end if place else 0 : time.start]
    if isinstance(time, Span) and not time.ago:
        return Kind.SEEN if PATTERNS["lasts"].search(since_last) else None
    kind = _find_nearest(since_last)
    if kind is None:
        until_next = words[time.end : times[place + 1].start if place + 1 < len(times) else None]
        kind = _find_nearest(until_next, first=True) or before
    elif CUES[Kind.NOTICED].search(since_last) and kind is Kind.SEEN:
        return None
    elif CUES[Kind.NOTICED].search(since_last) and kind is Kind.STATE:
        return Kind.NOTICED
    elif CUES[Kind.DUE].search(since_last) and kind is not Kind.DUE:
        return None
    return _classify_by_preposition(kind, words[: time.start], time)


def _classify_by_preposition(kind: Kind | None, words: str, time: ClockTime | Span) -> Kind | None:
    """Due for "out till nine", seen for "here till nine". "Gone at nine" is neither, and "before nine" is no time."""
    if PATTERNS["until"].search(words):
        return Kind.DUE if PATTERNS["let_out"].search(words) else Kind.SEEN if kind is Kind.SEEN else None
    if PATTERNS["since"].search(words):
        return Kind.SEEN if kind in {None, Kind.STATE, Kind.SEEN} else None
    if kind is Kind.SEEN and PATTERNS["earlier"].search(words):
        return None
    if kind is Kind.STATE:
        return Kind.SEEN if isinstance(time, Span) else None
    return kind


def _find_nearest(words: str, *, first: bool = False) -> Kind | None:
    """The cue that ends last (the longer of two), or, with `first`, the one that begins first."""
    found = [
        ((-match.start(), match.end()) if first else (match.end(), -match.start()), kind)
        for kind, pattern in CUES.items()
        for match in pattern.finditer(words)
    ]
    return max(found, key=lambda each: each[0])[1] if found else None


def _find_moment(words: str, around: str, time: ClockTime | Span, at: datetime) -> datetime | None:
    """`around`: words whose half of the day surely belongs to this time."""
    if isinstance(time, Span):
        moment = at - time.length
    else:
        past = [each for each in _list_moments(words, around, time, at) if each <= at]
        if not past:
            return None
        moment = max(past).astimezone(at.tzinfo)
    return moment if at - LONGEST_AGO <= moment <= at else None


def _list_moments(words: str, around: str, time: ClockTime, at: datetime) -> list[datetime]:
    """Every moment of yesterday and today that it may mean."""
    if time.hour > 24 or (time.hour == 24 and time.minute):
        return []
    half = None if time.hour > 12 else time.half or _find_half(words, time) or _find_half(around, None)
    hours = {time.hour % 24}
    if half is not None:
        hours = {time.hour % 12 + (12 if half == "pm" else 0)}
    elif 1 <= time.hour <= 12:
        hours = {time.hour % 24, (time.hour + 12) % 24}
    today = day_in_england(at)
    days = (-1,) if PATTERNS["yesterday"].search(words) else (-1, 0)
    moments = [(today + timedelta(days=day), clock_time(hour, time.minute)) for day in days for hour in hours]
    return [moment_of(datetime.combine(*each), at) for each in moments]


def _find_half(words: str, time: ClockTime | None) -> Half | None:
    """The half named right after the time; without a time, the only half that the words name."""
    if time is not None:
        return next((half for half in HALVES if PATTERNS[half].match(words, time.end + 1)), None)
    named = {half for half in HALVES if PATTERNS[half].search(words)}
    return named.pop() if len(named) == 1 else None
