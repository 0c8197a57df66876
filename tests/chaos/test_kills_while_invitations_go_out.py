"""Strategy killed again and again while invitations go out, replies come in, and discussions are moved and then called off.

One UID a discussion for every attendee, a SEQUENCE that never goes back, one entry in each calendar, and in the end none; nobody left out.
"""

import random
import signal
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import httpx
import pytest

from infra.local.stack import Stack
from tests.support.outside.convenor import convenor_says
from tests.support.outside.world import TOWN

CARERS = {
    "+447700900100": "child-c11",
    "+447700900102": "child-c14",
    "+447700900105": "child-c16",
}
"""Each with one child, so that a report needs no question, and a concern, so that a discussion is called at any hour."""
KILLS = 2
"""While each thing goes on."""
INVITED_AT_LEAST = {"police", "social care"}
"""By night as well."""

Calendars: TypeAlias = dict[tuple[str, str], list[dict[str, Any]]]
"""What came for each attendee and UID, in the order in which it came."""


class Outside:
    """What carers text, and what comes to the attendees' calendars."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.http = httpx.Client(timeout=90, trust_env=False)

    def texts(self, number: str, body: str) -> None:
        self.http.post(
            f"{self.stack.endpoints['sandbox']}/texts", json={"from": number, "body": body}
        ).raise_for_status()

    def calendars(self) -> Calendars:
        came: Calendars = defaultdict(list)
        for each in self.http.get(f"{self.stack.endpoints['sandbox']}/invitations").json():
            if not each["to"][0].endswith(f"@{TOWN}.example"):  # whose discussions are those of other tests
                came[each["to"][0], each["uid"]].append(each)
        return dict(came)

    def kill_strategy(self) -> None:
        for _ in range(KILLS):
            time.sleep(random.uniform(0.2, 2.0))
            # Started again by hand, at once: the stack gives up what dies five times in a minute, and waiting for that took one.
            self.stack.hold("strategy")
            self.stack.kill("strategy", random.choice([signal.SIGKILL, signal.SIGKILL, signal.SIGTERM]))
            while self.stack.is_running("strategy"):
                time.sleep(0.02)
            self.stack.release("strategy")

    def until(
        self, holds: Callable[[Calendars], bool], within_seconds: float = 270, quiet_seconds: float = 5
    ) -> Calendars:
        """A little longer than until it holds, so that what comes once too often has come."""
        self.stack.wait_ready()
        until = time.monotonic() + within_seconds
        while not holds(came := self.calendars()):
            assert time.monotonic() < until, {key: [_brief(each) for each in came[key]] for key in came}
            time.sleep(0.5)
        time.sleep(quiet_seconds)
        return self.calendars()


@pytest.mark.crash
@pytest.mark.timeout(1400)
def test_each_attendee_has_one_entry_through_a_new_date_and_then_none_whatever_is_killed(
    hurt_stack: Stack,
) -> None:
    outside = Outside(hurt_stack)
    for number in CARERS:
        outside.texts(number, "MISSING")
    outside.kill_strategy()
    outside.until(lambda came: len(_uids(came)) == len(CARERS), quiet_seconds=0)
    new_date = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=6)
    for child in CARERS.values():
        convenor_says(outside.stack, "strategy-discussion.redated.v1", child, starts_at=new_date.isoformat())
    outside.kill_strategy()
    moved = outside.until(lambda came: all(_last(each)["sequence"] == 1 for each in came.values()))
    _hold(moved)
    for attendee in {address for address, _ in moved}:
        assert _entries(moved, attendee) == {uid for address, uid in moved if address == attendee}
    assert {datetime.fromisoformat(_last(each)["start"]) for each in moved.values()} == {new_date}

    for child in CARERS.values():
        convenor_says(outside.stack, "strategy-discussion.cancelled.v1", child)
    outside.kill_strategy()
    off = outside.until(lambda came: all(_last(each)["method"] == "CANCEL" for each in came.values()))
    _hold(off)
    assert off.keys() == moved.keys()
    assert {_last(each)["sequence"] for each in off.values()} == {2}
    assert {uid for attendee, _ in off for uid in _entries(off, attendee)} == set()
    outside.http.close()


def _hold(came: Calendars) -> None:
    """One UID a discussion, each with all its attendees; no SEQUENCE after a greater one."""
    assert len(_uids(came)) == len(CARERS)
    for uid in _uids(came):
        assert len({address for address, of in came if of == uid}) >= len(INVITED_AT_LEAST)
    for each in came.values():
        sequences = [one["sequence"] for one in each]
        assert sequences == sorted(sequences), [_brief(one) for one in each]


def _entries(came: Calendars, attendee: str) -> set[str]:
    """The UIDs that an attendee's calendar shows when it has read all that came."""
    shown: set[str] = set()
    for (address, uid), each in came.items():
        if address == attendee:
            for one in each:
                (shown.discard if one["method"] == "CANCEL" else shown.add)(uid)
    return shown


def _uids(came: Calendars) -> set[str]:
    return {uid for _, uid in came}


def _last(each: list[dict[str, Any]]) -> dict[str, Any]:
    return each[-1]


def _brief(one: dict[str, Any]) -> tuple[str, int]:
    return one["method"], one["sequence"]
