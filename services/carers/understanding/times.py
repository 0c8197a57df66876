"""When a child was last seen, where the text says so beyond doubt: an hour that it was due back is another thing. Pure."""

import re
from datetime import datetime, timedelta

from services.carers.understanding.whom import NUMBERS
from services.safeguarding.working_time import ENGLAND

LONGEST_AGO = timedelta(hours=24)

SEEN_LAST = re.compile(
    r"\b(?:last seen|last saw|saw (?:him|her|them)|seen|left|went|gone|missing|run off|ran off|ran away|since|out)\b"
)
EXPECTED = re.compile(
    r"\b(?:due|meant|supposed|should|expected|curfew|back by|home by|usually|normally|until|till|tomorrow)\b"
)
_NUMBER = rf"(?:\d{{1,2}}|{'|'.join(NUMBERS[:12])})"
AGO = re.compile(
    rf"\b(?P<half>half an hour|half hour)|(?P<count>an?|{_NUMBER}|couple of) (?P<unit>hours?|hrs?|minutes?|mins?) ago\b"
)
PAST = re.compile(rf"\b(?P<part>half|quarter|ten|twenty|five) (?P<way>past |to |)(?P<hour>{_NUMBER})\b")
CLOCK = re.compile(
    rf"\b(?:at|since|about|around|before|after|by) (?P<hour>{_NUMBER})(?:[:.](?P<minute>[0-5]\d))? ?(?P<half>am|pm)?\b(?! ?(?:of|days?|weeks?|hours?|hrs?|mins?|minutes?|school|years?))"
    r"|\b(?P<hour2>\d{1,2})(?:[:.](?P<minute2>[0-5]\d)) ?(?P<half2>am|pm)?\b|\b(?P<hour3>\d{1,2}) ?(?P<half3>am|pm)\b"
)
EVENING = re.compile(r"\b(?:last night|tonight|this evening|yesterday evening|pm)\b")
MORNING = re.compile(r"\b(?:this morning|in the morning|am)\b")
MINUTES = {"half": 30, "quarter": 15, "ten": 10, "twenty": 20, "five": 5}


def last_seen(text: str, at: datetime) -> datetime | None:
    """None where nothing is said, or more than one thing. `at` is when the text came; never later than that, nor a day earlier."""
    said = text.casefold().replace("'", "")
    if SEEN_LAST.search(said) is None or EXPECTED.search(said) is not None:
        return None
    found = _ago(said, at) or _by_the_clock(said, at.astimezone(ENGLAND))
    if len(found) != 1 or not at - LONGEST_AGO <= found[0] <= at:
        return None
    return found[0].astimezone(at.tzinfo)


def _ago(said: str, at: datetime) -> list[datetime]:
    found = []
    for each in AGO.finditer(said):
        if each["half"] is not None:
            if " ago" not in said[each.end() : each.end() + 5]:
                continue
            found.append(at - timedelta(minutes=30))
            continue
        count = {"a": 1, "an": 1, "couple of": 2}.get(each["count"]) or _number(each["count"])
        found.append(at - (timedelta(hours=count) if each["unit"].startswith("h") else timedelta(minutes=count)))
    return found


def _by_the_clock(said: str, now: datetime) -> list[datetime]:
    spoken = list(PAST.finditer(said))
    if spoken:
        return [_latest(said, now, *_spoken(each["part"], each["way"], _number(each["hour"])), None) for each in spoken]
    return [
        _latest(
            said,
            now,
            _number(each["hour"] or each["hour2"] or each["hour3"]),
            int(each["minute"] or each["minute2"] or 0),
            each["half"] or each["half2"] or each["half3"],
        )
        for each in CLOCK.finditer(said)
    ]


def _spoken(part: str, way: str, hour: int) -> tuple[int, int]:
    """Half ten is half past ten here; "ten nine" says nothing, and comes out as an impossible minute of no hour."""
    if way.strip() == "to":
        return hour - 1, 60 - MINUTES[part]
    return (hour, MINUTES[part]) if way or part == "half" else (99, 0)


def _latest(said: str, now: datetime, hour: int, minute: int, half: str | None) -> datetime:
    """The latest such moment before now. Out of range where there is none, so that it counts for nothing."""
    if hour > 24:
        return now + timedelta(days=1)
    evening = half == "pm" or (half is None and EVENING.search(said) is not None)
    morning = half == "am" or (half is None and MORNING.search(said) is not None)
    hours = {hour % 12 + 12} if evening and hour <= 12 else {hour % 12} if morning else {hour % 24, (hour + 12) % 24}
    if hour > 12:
        hours = {hour % 24}
    days = (now.date(), now.date() - timedelta(days=1))
    moments = [
        datetime(day.year, day.month, day.day, each, minute, tzinfo=ENGLAND) for day in days for each in sorted(hours)
    ]
    return max((each for each in moments if each <= now), default=now + timedelta(days=1))


def _number(written: str) -> int:
    return int(written) if written.isdecimal() else NUMBERS.index(written) + 1
