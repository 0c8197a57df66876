"""Golden stories on the real stack, with story time moved: phones, desks, mails, the bus, the database and the clock."""
# Named so that it runs last on the shared stack: it moves story time by days and leaves many authorities escalating.

import asyncio
import time
from collections.abc import Iterable
from contextlib import closing
from datetime import time as clock_time
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local.stack import Stack
from tests.support.histories.golden import Act, Play, Theatre
from tests.support.outside.world import World, settle_town

pytestmark = pytest.mark.stack

SCENARIOS = Path(__file__).parents[1] / "scenarios"
DAYS = (
    "appeal-learnt-of-out-of-time", "away-and-back", "health-step-and-a-review", "leave-application-late",
    "leave-told-late-of-application-in-time", "meeting-is-over-and-no-interpreter-checked", "ok-and-no-assessment-of-rights",
    "ok-and-no-companion", "ok-and-no-interpreter", "to-know-is-answered-by-ok", "tracing-is-told-to-the-child", "ok-and-nobody-tells-of-tracing",
    "transfer-and-nobody-tells-the-child", "transfer-not-considered",
)  # fmt: skip
"""What is to be done ends by its deed: who says "I have it" is asked again the next day, and then the next person."""
# What the rules that stories leave aside tell a head of service stands for other matters, too: stories end before it counts.
EVENING = (
    "access-overridden", "agency-reports", "away-and-at-risk", "away-and-silent", "away-back-said-by-a-carer",
    "back", "back-again-after-mistake", "back-and-never-reported",
    "back-and-never-reported-and-not-back", "back-before-police-were-reached-and-not-back", "back-by-a-stranger",
    "back-claimed-and-never-reported", "back-taken-back", "back-while-escalating", "colleagues-of-a-home",
    "colleagues-of-a-home-back-at-once", "contact-unreachable", "desk-takes-but-does-not-answer", "desk-unreachable",
    "everybody-answers", "false-alarm", "located", "located-and-collected", "location-enquiry", "luring-suspected",
    "nobody-on-the-rota", "old-report-after-return", "police-close-while-located", "police-close-while-missing",
    "report-after-false-alarm", "retraction-by-a-stranger", "return-before-any-report",
    "same-carer-twice", "second-carer", "sighting", "sighting-of-a-child-at-home", "text-nobody-understands",
)  # fmt: skip


def _act(names: Iterable[str], hour: int, horizon: timedelta, weekday: int | None = None) -> Act:
    return Act(tuple(SCENARIOS / f"{name}.yaml" for name in names), clock_time(hour), horizon, weekday)


TUESDAY = 1
ACTS = [_act(DAYS, 10, timedelta(hours=76), TUESDAY), _act(EVENING, 18, timedelta(hours=7))]


@pytest.fixture(scope="module")
def played(stack: Stack, request: pytest.FixtureRequest) -> dict[str, Play]:
    """An act at once: each story has an authority, phones and a child of its own, and time moves for all together.
    Left out is an act of which no story was asked for.
    """
    asked = {
        item.callspec.params.get("name")
        for item in request.session.items
        if isinstance(item, pytest.Function) and item.path == request.path
    }
    with closing(World(stack)) as world:
        theatre = Theatre(world, [act for act in ACTS if asked & {path.stem for path in act.stories}] or ACTS)
        asyncio.run(theatre.play())
    return {each.name: each for each in theatre.shown}


@pytest.mark.timeout(2250)
@pytest.mark.parametrize("name", [*(pytest.param(each, marks=pytest.mark.again) for each in DAYS), *EVENING])
def test_exactly_those_are_told_whom_the_story_names_at_its_times(name: str, played: dict[str, Play]) -> None:
    assert "\n".join(played[name].differences()) == ""


@pytest.mark.parametrize(("carer", "later"), [(0, None), (1, "1d"), (2, "40d")])
def test_nothing_that_the_stories_left_behind_is_in_the_way_of_a_new_report(
    played: dict[str, Play], world: World, carer: int, later: str | None
) -> None:
    """Weeks later, too, with everything that has become due meanwhile for the children of all these authorities."""
    number = settle_town(world.stack, 3)[carer].number
    assert all(play.said for play in played.values())
    if later:
        world.forward(later)
    texted = time.monotonic()
    world.text(number, "MISSING")
    world.eventually(lambda: world.notices(number))
    print(f"{later or 'at once'}: a new report is at the desk after {time.monotonic() - texted:.1f} s")
