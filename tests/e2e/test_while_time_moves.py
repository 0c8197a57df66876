"""A third of the golden stories on the real stack, with story time moved: phones, desks, the bus, the database and the clock."""
# Named so that it runs last on the shared stack: it moves story time by weeks and leaves 25 authorities escalating.

import asyncio
from contextlib import closing
from pathlib import Path

import pytest

from infra.local.stack import Stack
from tests.support.golden import Play, Theatre, plays
from tests.support.world import World

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
