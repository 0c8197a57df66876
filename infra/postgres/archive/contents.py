"""Reads from the names of a place's files what can be restored from them, what is missing and what is too old. Pure."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

SEALED, SIGNATURE = ".age", ".sig"
BASE = re.compile(
    r"(?P<system>\d+)/base/(?P<at>\d{8}T\d{12}Z)-(?P<segment>[0-9A-F]{24})(-(?P<last>[0-9A-F]{16}))?\.tar\.gz\.age"
)
WAL = re.compile(r"(?P<system>\d+)/wal/(?P<segment>[0-9A-F]{24})\.gz\.age")
HISTORY = re.compile(r"(?P<system>\d+)/wal/[0-9A-F]{8}\.history\.gz\.age")
MOMENT = "%Y%m%dT%H%M%S%fZ"
SEGMENT_BYTES = 16 * 1024 * 1024
"""PostgreSQL's own, which initdb leaves so unless it is told otherwise."""
A_LOG = 0x100000000 // SEGMENT_BYTES


class NothingToRestore(Exception):
    """The text says what is missing."""


@dataclass(frozen=True)
class Base:
    """`first` and `last`: the places of the first and the last segment that it needs, counted from the beginning of all
    WAL. A base from before 0.3 does not say its last.
    """

    name: str
    system: str
    at: datetime
    first: int
    last: int | None
    timeline: int


@dataclass(frozen=True)
class Contents:
    """The files of one database. `segments` has the names at each place: one for each timeline."""

    bases: Sequence[Base]
    segments: Mapping[int, Sequence[str]]
    histories: Sequence[str]

    @property
    def newest_segment(self) -> int:
        return max(self.segments, default=-1)

    def along(self, timeline: int, forks: Mapping[int, int]) -> "Contents":
        """What leads to a database on `timeline`; `forks` as of `read_forks`. Of a timeline that was left, more may lie
        there (by a restoration to a moment, by a primary that was cut off). Of that one, only bases count that were
        finished before.
        """
        leads, beyond = defaultdict(list), set[int]()
        for place, names in self.segments.items():
            for name in names:
                before = timeline_of(name)
                if before == timeline or place < forks.get(before, 0):
                    leads[place].append(name)
                if before != timeline and place > forks.get(before, -1):
                    beyond.add(before)
        another_branch = not beyond <= forks.keys()

        def leads_here(base: Base) -> bool:
            if base.timeline not in forks:
                return base.timeline == timeline
            if another_branch or base.timeline in beyond:
                return base.last is not None and base.last < forks[base.timeline]
            return True

        return replace(self, bases=[*filter(leads_here, self.bases)], segments=leads)

    def base_for(self, at: datetime | None) -> Base:
        """The newest base that was finished by then. Raises NothingToRestore."""
        fit = [each for each in self.bases if at is None or each.at <= at]
        if not fit:
            oldest = f"; the oldest is of {self.bases[0].at:%Y-%m-%d %H:%M:%S} UTC" if self.bases else ""
            raise NothingToRestore(f"there is no base backup from before that moment{oldest}")
        return fit[-1]

    def wal_after(self, base: Base) -> tuple[list[str], int | None]:
        """The WAL that the base needs, up to the first gap. With it the gap's place, if there is WAL beyond it, or none
        before it.
        """
        end = base.first
        while end in self.segments:
            end += 1
        names = [name for place in range(base.first, end) for name in self.segments[place]]
        broken = self.newest_segment > end or end == base.first
        return [*self.histories, *names], end if broken else None

    def outdated(self, now: datetime, keep: timedelta) -> Iterator[str]:
        """What no restoration to a moment within `keep` needs. The newest base is never outdated."""
        needed = [each for each in self.bases if each.at > now - keep]
        needed = [*[each for each in self.bases if each not in needed][-1:], *needed]
        if needed:
            yield from (each.name for each in self.bases if each not in needed)
            yield from (name for place, names in self.segments.items() if place < needed[0].first for name in names)


def read_contents(names: Iterable[str], system: str | None = None) -> Contents:
    """Reads those of the database that made the newest base, or of `system`. Files without a signature do not count."""
    there = set(names)
    whole = sorted(each for each in there if each.endswith(SEALED) and each + SIGNATURE in there)
    bases = sorted((_base(found) for each in whole if (found := BASE.fullmatch(each))), key=lambda base: base.at)
    if system is None and bases:
        system = bases[-1].system
    segments: dict[int, list[str]] = defaultdict(list)
    for each in whole:
        if (found := WAL.fullmatch(each)) and found["system"] == system:
            segments[place_of(found["segment"])].append(each)
    histories = [each for each in whole if (found := HISTORY.fullmatch(each)) and found["system"] == system]
    return Contents([each for each in bases if each.system == system], segments, histories)


def read_forks(history: str) -> Mapping[int, int]:
    """The place at which each earlier timeline was left, by PostgreSQL's history of the newest."""
    lines = [line.split() for line in history.splitlines() if line.strip() and not line.startswith("#")]
    return {int(timeline): place_before(lsn) for timeline, lsn, *_ in lines}


def base_name(system: str, at: datetime, first: str, last: str = "") -> str:
    """`first` and `last`: the segments that it needs."""
    needs = f"{first}-{last[8:]}" if last else first
    return f"{system}/base/{at.astimezone(UTC):{MOMENT}}-{needs}.tar.gz{SEALED}"


def destroyed_name(system: str) -> str:
    """The name of the list of what was erased, which a restoration to an earlier moment erases again."""
    return f"{system}/destroyed{SEALED}"


def wal_name(system: str, file: str) -> str:
    return f"{system}/wal/{file}{SEALED}"


def place_of(segment: str) -> int:
    """`segment`: 24 hexadecimal digits, of which the first eight are the timeline."""
    return int(segment[8:16], 16) * A_LOG + int(segment[16:24], 16)


def segment_of(place: int) -> str:
    """The name of the segment at this place, without its timeline."""
    return f"{place // A_LOG:08X}{place % A_LOG:08X}"


def segment_at(lsn: str, timeline: int) -> str:
    """The name of the segment with this byte."""
    return f"{timeline:08X}{segment_of(place_before(lsn, itself=True))}"


def place_before(lsn: str, *, itself: bool = False) -> int:
    """The place of the segment with the last byte before this one; `itself`: with this one."""
    high, low = lsn.split("/")
    return ((int(high, 16) << 32) + int(low, 16) - (not itself)) // SEGMENT_BYTES


def _base(found: re.Match[str]) -> Base:
    at = datetime.strptime(found["at"], MOMENT).replace(tzinfo=UTC)
    timeline = found["segment"][:8]
    last = place_of(timeline + found["last"]) if found["last"] else None
    return Base(found[0], found["system"], at, place_of(found["segment"]), last, int(timeline, 16))


def timeline_of(name: str) -> int:
    """The timeline in the name of a segment or of a history."""
    return int(name.rsplit("/", 1)[1][:8], 16)
