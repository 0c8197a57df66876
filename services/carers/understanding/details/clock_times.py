"""Finds times of day and spans of time, as people type and dictate them. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypeAlias

from services.carers.understanding.languages.word_lists import NUMBERS

Half: TypeAlias = Literal["am", "pm"]

TENS = {"thirty": 30, "forty": 40, "fifty": 50}
NAMES = {"midnight": 0, "midday": 12, "noon": 12}
_HOUR = rf"(?:2[0-4]|[01]?\d|{'|'.join(NUMBERS[:12])})"
_MINUTES = r"(?:twenty five|twenty|quarter|half|five|ten|25|20|10|5)"
_COUNT = rf"(?:\d{{1,3}}|(?:{'|'.join(NUMBERS)}|{'|'.join(TENS)})(?: five)?)"
_HALF = r"(?: ?(?P<half>am|pm)\b)?"
_ISH = r"(?: ?ish\b)?"
_CLOCK = r"(?: ?o ?clock\b)?"
_BEFORE = (
    r"(?:at|since|from|about|around|approx|approximately|roughly|before|after|by|till|til|until|"
    r"curfew|curfew (?:is|was|of)|due|due (?:back|in|home)|seen|left|noticed|or)"
)
"""A bare number after these words is an hour."""
_COUNTED = (
    r"(?! ?(?:of|days?|weeks?|months?|hours?|hrs?|h|mins?|minutes?|years?|yrs?|miles?|pounds?|quid|schools?|kids?|children|"
    r"boys?|girls?|lads?|friends?|mates?|men|people|others?|other|old|past|to|and a half|half|quarter|"
    r"[a-z]+ (?:road|rd|street|st|avenue|close|lane|drive))\b| ?[%:.]?\d)"
)
"""A number before these words counts things, or belongs to an address."""
OF_A_JOURNEY = re.compile(r" ?(?:bus|train|coach|tram|flight|class|lesson|news)\b")
AGO = re.compile(
    rf"\b(?:(?P<half>half (?:an )?hour)|(?P<halves>an|one|{_COUNT}) (?:and a half hours|hours? and a half)"
    rf"|(?:(?P<count>a couple of|couple of|an?|{_COUNT}) ?)(?P<unit>hours?|hrs?|hr|h|minutes?|mins?|min)|(?P<bare>hour))"
    r"(?: or so)?(?P<ago> ago)?\b"
)
PATTERNS = (
    re.compile(
        rf"\b(?P<part>{_MINUTES})(?: ?(?:minutes|mins))? ?(?P<way>past|to|)\b ?(?P<hour>{_HOUR})\b"
        rf"(?! ?(?:hours?|hrs?|mins?|minutes?|days?)\b){_CLOCK}{_ISH}{_HALF}"
    ),
    re.compile(r"(?<!past )(?<!to )\b(?:12 |twelve )?(?P<name>midnight|midday|noon)\b"),
    re.compile(
        rf"(?<![\d:.])(?P<hour>2[0-4]|[01]?\d) ?[:.] ?(?P<minute>[0-5]\d)(?![\d:%]|\.\d)(?: ?hrs)?{_ISH}{_HALF}"
    ),
    re.compile(r"\b(?P<hour>2[0-3]|[01]\d)(?P<minute>[0-5]\d) ?(?:hrs|hours|h)\b(?! ago)"),
    re.compile(r"\b(?P<hour>1[0-2]|0?[1-9]) ?(?P<minute>[0-5]\d)? ?(?P<half>am|pm)\b"),
    re.compile(
        rf"\b(?P<hour>{'|'.join(NUMBERS[:12])}) (?P<minute>(?:twenty|thirty|forty|fifty)(?: five)?|fifteen|oh? five|ten)\b"
        rf"(?! ?(?:mins?|minutes?)\b){_ISH}{_HALF}"
    ),
    re.compile(
        rf"\b{_BEFORE} (?!(?:101|111|999)\b)(?P<hour>2[0-3]|[01]?\d) ?(?P<minute>[0-5]\d)\b(?! ?\d){_COUNTED}{_ISH}{_HALF}"
    ),
    re.compile(rf"\b(?P<hour>{'|'.join(NUMBERS[:12])})ish\b{_HALF}"),
    re.compile(rf"\b(?P<hour>{_HOUR})(?: ?ish\b| ?o ?clock\b{_ISH}){_HALF}"),
    re.compile(rf"\b{_BEFORE} (?P<hour>{_HOUR})\b{_COUNTED}{_HALF}"),
)
"""The surest first: words that one has matched are closed to the later ones."""


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
    for pattern in PATTERNS:
        for match in pattern.finditer(words):
            time = _parse_time(match)
            if time is None or OF_A_JOURNEY.match(words, time.end):
                continue
            if all(time.end <= each.start or time.start >= each.end for each in found):
                found.append(time)
    return sorted(found, key=lambda each: each.start)


def _find_spans(words: str) -> Iterator[Span]:
    for each in AGO.finditer(words):
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
