"""The main story and the golden stories, with every option left out: the core carries a night alone."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from infra.local.settings.layout import ROOT
from infra.local.stack import Stack
from tests.support.engines.stack import running_stack
from tests.support.outside.world import World

CARER = "+447700900104"
WITHOUT_OPTIONS = """
import sys

class Left:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("services.options", "services.handbook", "services.holdings")):
            raise ModuleNotFoundError(f"{name} is left out")

sys.meta_path.insert(0, Left())
from pathlib import Path
from services.protocol.loader import Library, files
from services.protocol.simulate import read_story, tell

paths = sorted(Path("tests/scenarios/everyone").glob("*.yaml"))
library = Library(files())
for path in paths:
    story = read_story(path)
    told = [str(each) for each in tell(story, library).told]
    assert told == story.told, path
for service in sys.argv[1:]:
    __import__(f"services.{service}.app")
print(len(paths))
"""


def test_the_golden_stories_of_everybody_are_told_and_each_service_is_put_together() -> None:
    services = ("casework", "carers", "protocol", "police", "strategy", "professionals", "clock", "audit", "console")
    played = subprocess.run(
        [sys.executable, "-c", WITHOUT_OPTIONS, *services], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert played.returncode == 0, played.stderr
    assert int(played.stdout) > 5


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_stack(tmp_path_factory.mktemp("bare"), options="none") as stack:
        world = World(stack)
        yield world
        world.close()


def _notices(world: World, about: str) -> list[dict[str, Any]]:
    return [each for each in world.notices(CARER) if each["body"]["data"]["about"] == about]


def _status(world: World) -> str:
    before = len(world.texts_to(CARER))
    world.text(CARER, "STATUS")
    return world.eventually(lambda: " ".join(world.texts_to(CARER)[before:]))


@pytest.mark.stack
def test_police_are_told_have_it_and_the_child_comes_back(bare: World) -> None:
    bare.text(CARER, "MISSING")
    (notice,) = bare.eventually(lambda: _notices(bare, "missing"))
    bare.eventually(lambda: "police say they have it" in _status(bare))
    bare.confirm(CARER, "back")
    (returned,) = bare.eventually(lambda: _notices(bare, "returned"))
    assert returned["body"]["data"]["refers_to"] == notice["id"]


@pytest.mark.stack
def test_the_desk_says_that_nobody_can_sign_in(bare: World) -> None:
    desk = bare.stack.endpoints["console"]
    assert "Nobody can sign in here" in httpx.get(f"{desk}/sign-in").text
    assert httpx.get(f"{desk}/returns").status_code == 404
    assert "nobody can sign in" in bare.stack.layout.log("console").read_text()


@pytest.mark.stack
def test_each_process_says_that_it_has_no_options(bare: World) -> None:
    stack: Stack = bare.stack
    silent = [each for each in stack.services if "its options" not in stack.layout.log(each).read_text()]
    assert silent == []
