"""Mailboxes that refuse, bounce, put off or are away, on the real stack: each leads to the next person, or to another attempt."""

import psycopg
import pytest

from services.safeguarding.working_time import in_working_hours
from tests.support.histories.meetings import story_time
from tests.support.outside.world import World, settle_town

pytestmark = [pytest.mark.stack, pytest.mark.timeout(750)]

POLICE, HEALTH, DESK = "police.missing-coordinator", "child.health-practitioner", "home-office.missing-desk"
HOLDERS = {
    POLICE: ("police-1", "police-2"),
    HEALTH: ("health-1", "health-2"),
    DESK: ("desk-1", "desk-2"),
    "child.social-worker": ("worker-1",),
    "child.independent-reviewing-officer": ("officer-1",),
}
DUTY_PHONE = "+447700900590"


def address(person: str) -> str:
    return f"{person}@testshire.example"


@pytest.fixture
def world_of_trouble(world: World) -> World:
    world.mailbox(address("police-1"), mode="unknown")
    world.mailbox(address("health-1"), mode="bounces")
    world.mailbox(address("health-2"), mode="greylisting", times=2)
    world.mailbox(address("desk-1"), mode="away")
    world.mailbox(address("officer-1"), mode="bounces")
    return world


def test_each_leads_where_it_should(world_of_trouble: World) -> None:
    world = world_of_trouble
    [carer] = settle_town(world.stack, 1, HOLDERS)
    before = len(unreachable(world))
    world.text(carer.number, "MISSING")
    by_day = in_working_hours(story_time(world.stack))
    deputies = ("police-2", "health-2", "desk-2") if by_day else ("police-2",)
    for deputy in deputies:
        world.eventually(lambda deputy=deputy: world.invitations_to(address(deputy)), within_seconds=270)  # type: ignore[misc]
    assert world.mails_to(address("police-1")) == []
    assert not by_day or len(world.mails_to(address("health-2"))) == 1, "put off twice, taken once"
    uids = {each["uid"] for deputy in deputies for each in world.invitations_to(address(deputy))}
    assert len(uids) == 1, "the deputy is asked to the same discussion"
    expected = {"gone", "away"} | ({"undeliverable"} if by_day else set())
    world.eventually(lambda: expected <= reasons(world))
    if by_day:  # By night the reviewing officer is not written to.
        world.eventually(lambda: len(unreachable(world)) > before)
    world.confirm(carer.number, "FALSE ALARM")


def reasons(world: World) -> set[str]:
    """Of failures that travelled alone or with other outcomes."""
    asked = """
        SELECT failed->>'reason' FROM console.entries
        CROSS JOIN LATERAL jsonb_array_elements(
            CASE kind WHEN 'duty.outcomes.v1' THEN content->'failed' WHEN 'duty.failed.v1' THEN jsonb_build_array(content) END
        ) AS failed
        WHERE kind IN ('duty.failed.v1', 'duty.outcomes.v1') AND content->>'authority' = 'testshire'
    """
    with psycopg.connect(world.stack.admin_url) as connection:
        return {reason for (reason,) in connection.execute(asked)}


def unreachable(world: World) -> list[str]:
    """The reviewing officer's mail came back: the duty worker is told that they could not be reached."""
    return [text for text in world.texts_to(DUTY_PHONE) if "reviewing officer could not be reached" in text]
