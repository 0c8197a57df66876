"""From the record of an urgent discussion to the full meeting: invited in working hours, answered, and called off, on the real stack.

Moves time by up to some days, and so runs after the tests that do not.
"""

from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from infra.local.stack import Stack
from services.safeguarding.working_time import working_day_after, working_moment
from tests.support.histories.meetings import IN_FULL, story_time
from tests.support.outside.convenor import convenor_says
from tests.support.outside.world import World

pytestmark = [pytest.mark.stack, pytest.mark.timeout(750)]

CHILD, NURSE, OFFICER = "child-c12", "nurse-looked-after@kestrel.example", "coordinator-northmoor@kestrel.example"


@pytest.mark.timeout(1000)
def test_those_invited_come_whoever_convenes_hears_it_and_a_cancellation_empties_the_calendars(world: World) -> None:
    held_at = story_time(world.stack)
    convenor_says(
        world.stack, "strategy-discussion.held.v1", CHILD,
        form="urgent", section_47="no-enquiry", held_on=held_at.date().isoformat(),
    )  # fmt: skip
    to_working_hours(world)  # where much else of the stack comes to its time as well
    invited = world.eventually(lambda: full(world, NURSE, "REQUEST"), within_seconds=450)
    assert datetime.fromisoformat(invited[0]["start"]) == working_day_after(
        story_time(world.stack), IN_FULL.workday, IN_FULL.at
    )
    officers = world.eventually(lambda: full(world, OFFICER, "REQUEST"))  # each invitation is a mail of its own
    assert officers[0]["uid"] == invited[0]["uid"]
    world.eventually(lambda: "reached" in quorums(world.stack, invited[0]["uid"]))
    convenor_says(world.stack, "strategy-discussion.cancelled.v1", CHILD)
    off = world.eventually(lambda: full(world, NURSE, "CANCEL"))
    assert (off[0]["uid"], off[0]["sequence"]) == (invited[0]["uid"], 1)


def to_working_hours(world: World) -> None:
    now = story_time(world.stack)
    if working_moment(now) > now:
        world.forward(f"{int((working_moment(now) - now + timedelta(minutes=2)).total_seconds() // 60)}m")


def full(world: World, address: str, method: str) -> list[dict[str, Any]]:
    return [
        each
        for each in world.invitations_to(address)
        if each["method"] == method and each["summary"].startswith("Full strategy meeting")
    ]


def quorums(stack: Stack, uid: str) -> list[str]:
    """What was said of the discussion with this UID."""
    asked = (
        "SELECT e.content->>'quorum' FROM console.entries e JOIN strategy.discussions d ON e.content->>'episode' = d.episode::text "
        "WHERE e.kind = 'strategy-discussion.changed.v1' AND d.discussion = %s"
    )
    with psycopg.connect(stack.admin_url) as connection:
        return [quorum for (quorum,) in connection.execute(asked, [uid.partition("@")[0]])]
