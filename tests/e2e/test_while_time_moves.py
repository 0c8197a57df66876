"""A third of the golden stories on the real stack, with story time moved: phones, desks, the bus, the database and the clock."""
# Named so that it runs last on the shared stack: it moves story time to the next evening and leaves 25 authorities escalating.

import asyncio
import time
from contextlib import closing
from pathlib import Path

import pytest

from infra.local.stack import Stack
from tests.support.histories.golden import Play, Theatre, plays
from tests.support.outside.world import World, settle_town

pytestmark = pytest.mark.stack

SCENARIOS = Path(__file__).parents[1] / "scenarios"
NAMES = (
    "agency-reports", "back", "back-again-after-mistake", "back-by-a-stranger", "back-taken-back",
    "back-while-escalating", "contact-unreachable", "desk-takes-but-does-not-answer", "desk-unreachable",
    "everybody-answers", "false-alarm", "located", "location-enquiry", "luring-suspected", "nobody-on-the-rota",
    "old-report-after-return", "police-close-while-missing", "report-after-false-alarm",
    "retraction-by-a-stranger", "return-before-any-report", "same-carer-twice", "second-carer", "sighting",
    "sighting-of-a-child-at-home", "text-nobody-understands",
)  # fmt: skip


@pytest.fixture(scope="module")
def played(stack: Stack) -> dict[str, Play]:
    """All at once: each has an authority, phones and a child of its own, and time moves for all together."""
    shown = plays([SCENARIOS / f"{name}.yaml" for name in NAMES])
    with closing(World(stack)) as world:
        asyncio.run(Theatre(world, shown).play())
    return {each.name: each for each in shown}


@pytest.mark.timeout(420)
@pytest.mark.parametrize("name", NAMES)
def test_exactly_those_are_told_whom_the_story_names_at_its_times(name: str, played: dict[str, Play]) -> None:
    assert "\n".join(played[name].differences()) == ""


@pytest.mark.parametrize(("carer", "later"), [(0, None), (1, "1d"), (2, "40d")])
def test_nothing_that_the_stories_left_behind_is_in_the_way_of_a_new_report(
    played: dict[str, Play], world: World, carer: int, later: str | None
) -> None:
    """Weeks later, too, with everything that has become due meanwhile for 25 children of 25 authorities."""
    number = settle_town(world.stack, 3)[carer].number
    assert all(play.begins for play in played.values())
    if later:
        world.forward(later)
    texted = time.monotonic()
    world.text(number, "MISSING")
    world.eventually(lambda: world.notices(number))
    print(f"{later or 'at once'}: a new report is at the desk after {time.monotonic() - texted:.1f} s")
