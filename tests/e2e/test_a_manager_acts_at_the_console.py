"""What somebody does at the console reaches everybody through the real stack: a call to police, an exercise."""

import re

import httpx
import pytest

from tests.support.in_process.console import child_page, csrf_in, episode_on, police_duty_on
from tests.support.outside.world import World

pytestmark = pytest.mark.stack

CARER, CODE = "+447700900100", "C11"


def test_police_told_by_telephone_ends_their_duty_and_the_carer_hears_that_they_know(world: World) -> None:
    before = world.texts_to(CARER)
    world.desk("northmoor-police", mode="failing")
    try:
        world.text(CARER, "MISSING")
        episode = world.eventually(lambda: _episode_of(world, CODE))
        duty = world.eventually(lambda: _police_duty_of(world, episode))
        answer = _fill(world, f"{duty}/acts/phoned", officer="PC Reed 4471", reference="NM-2026-118")
        assert "Recorded: police told by telephone" in answer.text
        world.eventually(lambda: _when(world, episode, "Police control room says they have it, by telephone"))
        world.eventually(lambda: _when(world, episode, "Police reference passed on, by the console"))
        page = world.eventually(lambda: _when(world, episode, "On the console: police told by telephone"))
        assert "Morgan Ellis, duty manager" in page
        assert "PC Reed 4471" in page
        assert world.eventually(
            lambda: [text for text in world.texts_to(CARER)[len(before) :] if "Our alert has left here" in text]
        )
    finally:
        world.desk("northmoor-police", mode="normal")
        world.confirm(CARER, "FALSE ALARM")


def test_an_exercise_is_marked_from_the_console_to_the_desk_and_ended_there(world: World) -> None:
    before = {notice["id"] for notice in world.notices()}
    page = world.console.get("/exercise")
    area = next(found for found in re.findall(r'name="area" value="([^"]+)"', page.text) if "northmoor" in found)
    form = _hidden(page) | {"area": area, "reason": "The night team practises"}
    assert "Recorded: an exercise started" in world.console.post("/exercise", data=form).text
    (notice,) = world.eventually(
        lambda: [each for each in world.notices() if each["id"] not in before and each["body"]["data"]["exercise"]]
    )
    assert notice["force"] == "northmoor-police"
    (episode,) = world.eventually(lambda: re.findall(r'href="(/episodes/[^"]+)"', world.console.get("/exercise").text))
    assert 'class="tag exercise"' in world.console.get(episode).text
    path, over = f"{episode}/acts/report-retracted", "The exercise is over"
    asked = _fill(world, path, reason=over)
    assert "Is it this child?" in asked.text
    world.console.post(path, data=_hidden(asked) | {"reason": over, "confirmed": "yes"})
    world.forward("2m")
    world.eventually(lambda: episode not in world.console.get("/exercise").text)


def _episode_of(world: World, code: str) -> str:
    """Empty until it is there."""
    return episode_on(child_page(world.console, code))


def _police_duty_of(world: World, episode: str) -> str:
    """The duty to tell police, once the desk has failed and the duty stands on the page."""
    return police_duty_on(world.console.get(episode).text)


def _fill(world: World, path: str, **answers: str) -> httpx.Response:
    page = world.console.get(path)
    assert page.status_code == 200, page.text
    chosen = re.search(r'name="step" value="(\d+)"', page.text)
    steps = {} if chosen is None else {"step": chosen[1]}
    answer = world.console.post(path, data=_hidden(page) | steps | answers)
    assert answer.status_code == 200, answer.text
    return answer


def _hidden(page: httpx.Response) -> dict[str, str]:
    named = dict(re.findall(r'type="hidden" name="(act|seen)" value="([^"]*)"', page.text))
    return named | {"csrf": csrf_in(page)}


def _when(world: World, path: str, words: str) -> str:
    page = world.console.get(path).text
    return page if words in page else ""
