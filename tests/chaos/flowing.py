"""Reports that flow while the stack is hurt, and the count afterwards: one episode, one notice, one reply, one report of what was
done, one entry in the calendar of each who is invited.
"""

import threading
import time
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Literal

import httpx

from tests.support.outside.world import Carer, World

REPLY, REPORT = "Recorded as missing.", "Our alert has left here"
CONFIRMED_WITHIN_SECONDS = 120
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
    """Texts `words` from each phone in turn, and confirms a return by its code. A text counts once its webhook was answered; the network repeats it until then."""

    def __init__(
        self, world: World, carers: Sequence[Carer], every_seconds: float, words: Literal["MISSING", "BACK"] = "MISSING"
    ) -> None:
        super().__init__(daemon=True)
        self.words = words
        self._world = world
        self._carers = carers
        self._every_seconds = every_seconds

    def run(self) -> None:
        for carer in self._carers:
            if self.words == "BACK":
                self._world.confirm(carer.number, self.words, within_seconds=CONFIRMED_WITHIN_SECONDS)
            else:
                self._world.text(carer.number, self.words)
            time.sleep(self._every_seconds)


def tally(world: World, carers: Sequence[Carer], back: Sequence[Carer] = ()) -> Tally:
    """Notices are counted by id, as a desk does: one that comes again under its id is the same notice. Those of `back` have
    texted BACK as well.
    """
    texts = Counter((text["to"], kind) for text in world.texts() for kind in (REPLY, REPORT) if kind in text["body"])
    notices: Counter[str] = Counter()
    returns: Counter[str] = Counter()
    episodes: dict[str, set[str]] = {}
    for notice in world.notices():
        for number in world.carers_numbers(notice):
            episodes.setdefault(number, set()).add(notice["body"]["data"]["episode"])
            notices[number] += notice["body"]["type"] == "missing-notice.new"
            returns[number] += notice["body"]["data"]["about"] == "returned"
    found = Tally(len(carers))
    for carer in carers:
        counts = {
            "notice": notices[carer.number],
            "episode": len(episodes.get(carer.number, ())),
            "reply": texts[carer.number, REPLY],
            "report": texts[carer.number, REPORT],
        }
        if carer in back:
            counts["notice of the return"] = returns[carer.number]
        found.lost += [f"{what} of {carer.number}" for what, count in counts.items() if count == 0]
        found.doubled += [f"{what} of {carer.number}: {count}" for what, count in counts.items() if count > 1]
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


def settled_tally(world: World, carers: Sequence[Carer], within_seconds: float, back: Sequence[Carer] = ()) -> Tally:
    """The count once nothing is missing any more, or when the time is over; then a moment for what would come twice."""
    until = time.monotonic() + within_seconds
    while True:
        try:
            found = tally(world, carers, back)
        except httpx.TransportError:
            found = Tally(len(carers), lost=["the sandbox did not answer"])
        if not found.lost or time.monotonic() > until:
            break
        time.sleep(0.5)
    time.sleep(2)
    return tally(world, carers, back)
