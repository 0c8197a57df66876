"""Strategy killed again and again while invitations go out and replies come in: one entry in every calendar, nobody left out."""

import random
import signal
import time
from collections import defaultdict

import httpx
import pytest

from infra.local.stack import Stack
from tests.support.stack import StackStarter

CARERS = {"+447700900100": "C11", "+447700900102": "C14", "+447700900104": "C15", "+447700900105": "C16"}
"""Each with one child, so that a report needs no question."""
KILLS = 4
"""What dies more often within a minute is left stopped."""
INVITED_AT_LEAST = {"police", "social care", "health"}


@pytest.mark.crash
@pytest.mark.timeout(400)
def test_each_attendee_has_one_entry_for_each_discussion_whatever_is_killed(own_stack: StackStarter) -> None:
    stack = own_stack()
    sandbox = httpx.Client(base_url=stack.endpoints["sandbox"], timeout=30, trust_env=False)
    for number in CARERS:
        sandbox.post("/texts", json={"from": number, "body": "MISSING"}).raise_for_status()
    _kill(stack)
    uids = _until_accepted(sandbox, stack)
    sandbox.close()
    assert len(uids) == len(CARERS)
    for attendees in uids.values():
        assert {sequence for _, sequence in attendees} == {0}
        assert len({address for address, _ in attendees}) >= len(INVITED_AT_LEAST)
    asked = [(uid, address) for uid, attendees in uids.items() for address, _ in attendees]
    assert len(asked) == len(set(asked))


def _kill(stack: Stack) -> None:
    for _ in range(KILLS):
        time.sleep(random.uniform(0.3, 2.5))
        try:
            stack.kill("strategy", random.choice([signal.SIGKILL, signal.SIGTERM]))
        except ProcessLookupError:
            continue


def _until_accepted(sandbox: httpx.Client, stack: Stack) -> dict[str, set[tuple[str, int]]]:
    """Attendees and sequences by UID, once every discussion has its attendees' replies."""
    stack.wait_ready(120)
    uids: dict[str, set[tuple[str, int]]] = defaultdict(set)
    until = time.monotonic() + 90
    while time.monotonic() < until:
        uids.clear()
        for each in sandbox.get("/invitations").json():
            uids[each["uid"]].add((each["to"][0], each["sequence"]))
        if len(uids) == len(CARERS) and all(len(each) >= len(INVITED_AT_LEAST) for each in uids.values()):
            time.sleep(5)
            break
        time.sleep(0.5)
    return dict(uids)
