"""Reports that flow while the stack is hurt, and the count afterwards: one episode, one notice, one reply, one report of what was
done, one entry in the calendar of each who is invited.
"""

import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import httpx

from tests.support.outside.world import Carer, World

REPLY, REPORT = " recorded as missing", "Our alert has left here"
CONFIRMED_WITHIN_SECONDS = 360
"""The reply that holds the code comes late while the stack is hurt."""
INVITED_AT_LEAST = 1
"""Police, by night as well; social care, where its duty worker has no mailbox, is texted."""


@dataclass
class Tally:
    """What the outside world holds of `reports` carers' reports. `lost` and `doubled` name what and for whom, by phone."""

    reports: int
    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)

    @property
    def is_right(self) -> bool:
        return not self.lost and not self.doubled


class Flow(threading.Thread):
    """Texts `words` from each phone in turn, and confirms a return by its code. A text counts once its webhook was answered; the network repeats it until then.

    Each text has its time: whoever is late for one makes up for it with the next.
    """

    def __init__(
        self, world: World, carers: Sequence[Carer], every_seconds: float, words: Literal["MISSING", "BACK"] = "MISSING"
    ) -> None:
        super().__init__(daemon=True)
        self.words = words
        self._world = world
        self._carers = carers
        self._every_seconds = every_seconds
        self._stopped = threading.Event()

    def stop(self) -> None:
        self._stopped.set()

    def run(self) -> None:
        begun = time.monotonic()
        for number, carer in enumerate(self._carers):
            if self._stopped.wait(max(0.0, begun + number * self._every_seconds - time.monotonic())):
                return
            if self.words == "BACK":
                self._world.confirm(carer.number, self.words, within_seconds=CONFIRMED_WITHIN_SECONDS)
            else:
                self._world.text(carer.number, self.words)


class Heard:
    """What came to phones and desks. Each text and notice is read once: the sandbox keeps the newest 50,000 of each, so
    whoever flows longer listens meanwhile.

    Notices are counted by id, as a desk does: one that comes again under its id is the same notice.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self._text = self._notice = 0
        self._texts: Counter[tuple[str, str]] = Counter()
        self._notices: Counter[str] = Counter()
        self._returns: Counter[str] = Counter()
        self._episodes: dict[str, set[str]] = {}
        self._reported: dict[str, datetime] = {}
        self._at_desk: dict[str, datetime] = {}

    def listen(self) -> None:
        for text in self._world.texts(self._text):
            self._text = text["n"]
            self._texts.update((text["to"], kind) for kind in (REPLY, REPORT) if kind in text["body"])
            self._reported.setdefault(text["from"], datetime.fromisoformat(text["at"]))
        for notice in self._world.notices(since=self._notice):
            self._notice = notice["n"]
            for number in self._world.carers_numbers(notice):
                self._note(number, notice)

    def tally(self, carers: Sequence[Carer], back: Sequence[Carer] = ()) -> Tally:
        """Those of `back` have texted BACK as well."""
        found, returned = Tally(len(carers)), set(back)
        for carer in carers:
            counts = {
                "notice": self._notices[carer.number],
                "episode": len(self._episodes.get(carer.number, ())),
                "reply": self._texts[carer.number, REPLY],
                "report": self._texts[carer.number, REPORT],
            }
            if carer in returned:
                counts["notice of the return"] = self._returns[carer.number]
            found.lost += [f"{what} of {carer.number}" for what, count in counts.items() if count == 0]
            found.doubled += [f"{what} of {carer.number}: {count}" for what, count in counts.items() if count > 1]
        return found

    def seconds_to_desk(self, carers: Sequence[Carer]) -> list[float]:
        """From each carer's first text to the first notice about it."""
        return [(self._at_desk[each.number] - self._reported[each.number]).total_seconds() for each in carers]

    def _note(self, number: str, notice: dict[str, Any]) -> None:
        told = notice["body"]
        self._episodes.setdefault(number, set()).add(told["data"]["episode"])
        self._notices[number] += told["type"] == "missing-notice.new"
        self._returns[number] += told["data"]["about"] == "returned"
        self._at_desk.setdefault(number, datetime.fromisoformat(notice["received_at"]))


def settled_entries(world: World, reports: int, earlier: Collection[str], within_seconds: float) -> Tally:
    """Once nothing is missing any more, or when the time is over: an invitation that a killed process had in hand goes out when its
    lease has ended.
    """
    until = time.monotonic() + within_seconds
    while (found := entries(world, reports, earlier)).lost and time.monotonic() < until:
        time.sleep(0.5)
    return found


def entries(world: World, reports: int, earlier: Collection[str] = ()) -> Tally:
    """Calendar entries: one UID a discussion, and of each invited address one entry under it, however often its mail came.

    `earlier` are the UIDs of the discussions of other reports.
    """
    invited: dict[str, set[tuple[str, int]]] = {}
    for each in world.invitations():
        if each["method"] == "REQUEST" and each["uid"] not in earlier:
            invited.setdefault(each["uid"], set()).add((each["to"][0], each["sequence"]))
    found = Tally(reports)
    found.lost += [] if len(invited) >= reports else [f"{reports - len(invited)} discussions without an invitation"]
    found.doubled += [] if len(invited) <= reports else [f"{len(invited)} discussions of {reports} episodes"]
    for uid, attendees in invited.items():
        addresses = Counter(address for address, _ in attendees)
        found.doubled += [f"{uid} to {address}: {count} entries" for address, count in addresses.items() if count > 1]
        found.lost += [f"{uid} went to {sorted(addresses)} alone"] if len(addresses) < INVITED_AT_LEAST else []
    return found


def settled_tally(heard: Heard, carers: Sequence[Carer], within_seconds: float, back: Sequence[Carer] = ()) -> Tally:
    """The count once nothing is missing any more, or when the time is over; then a moment for what would come twice."""
    until = time.monotonic() + within_seconds
    while True:
        try:
            heard.listen()
            found = heard.tally(carers, back)
        except httpx.TransportError:
            found = Tally(len(carers), lost=["the sandbox did not answer"])
        if not found.lost or time.monotonic() > until:
            break
        time.sleep(0.5)
    time.sleep(2)
    heard.listen()
    return heard.tally(carers, back)
