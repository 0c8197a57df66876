"""The console dies while somebody acts at it: the act is done once or not at all, with its evidence; sent again it is done once."""

import re
from collections.abc import Callable, Iterator

import httpx
import psycopg
import pytest

from infra.local.stack import Stack
from tests.support.crashes.dying import Dying
from tests.support.in_process.console import child_page, csrf_in, police_duty_on
from tests.support.outside.world import Carer, World

STEPS = ("act-written", "committed", "act-taken")
FORCE = "northmoor-police"

pytestmark = [pytest.mark.crash, pytest.mark.timeout(750)]


@pytest.fixture
def world(hurt_world: World) -> Iterator[World]:
    hurt_world.stack.wait_ready()
    hurt_world.desk(FORCE, acknowledges=False)
    yield hurt_world
    hurt_world.desk(FORCE, mode="normal")


@pytest.mark.parametrize("step", STEPS)
def test_an_act_in_flight_when_the_console_dies_is_done_once(
    world: World, towns_carers: Iterator[Carer], dying: Callable[[str], Dying], step: str
) -> None:
    console, carer = dying("console"), next(towns_carers)
    console.wait_until_ready()
    world.text(carer.number, "MISSING")
    duty = world.eventually(lambda: _police_duty(world, carer))
    form = _filled(world, duty)
    console.die_at(step)
    with pytest.raises(httpx.TransportError):
        _send(world, duty, form)
    console.wait_until_dead()
    committed = _acts(world.stack, form["act"])
    assert committed == (0 if step == "act-written" else 1)
    console.start()
    console.wait_until_ready()

    if step != "act-written":
        world.eventually(lambda: _evidence(world.stack, duty))
        assert _evidence(world.stack, duty) == 1, "what was committed was not told of before the form came again"
    answer = _send(world, duty, form)
    recorded = "Recorded" if step == "act-written" else "It was recorded once"
    assert f"{recorded}: police told by telephone" in answer.text
    world.eventually(lambda: "by telephone" in child_page(world.console, carer.child_code))
    world.eventually(lambda: _evidence(world.stack, duty) and _answers(world.stack, duty))
    assert (_acts(world.stack, form["act"]), _evidence(world.stack, duty)) == (1, 1)
    assert _answers(world.stack, duty) == 1
    assert _orphaned_words(world.stack) == 0
    world.confirm(carer.number, "FALSE ALARM")


def _send(world: World, duty: str, form: dict[str, str]) -> httpx.Response:
    answer = world.console.post(f"{duty}/acts/phoned", data=form)
    assert answer.status_code == 200, answer.text
    return answer


def _police_duty(world: World, carer: Carer) -> str:
    """Empty until police have taken the notice, so that nothing of it is under way."""
    page = child_page(world.console, carer.child_code)
    return police_duty_on(page) if "Delivered, no reply yet: police control room" in page else ""


def _filled(world: World, duty: str) -> dict[str, str]:
    page = world.console.get(f"{duty}/acts/phoned")
    hidden = dict(re.findall(r'type="hidden" name="(act|seen)" value="([^"]*)"', page.text))
    chosen = re.search(r'name="step" value="(\d+)"', page.text)
    steps = {} if chosen is None else {"step": chosen[1]}
    return hidden | steps | {"csrf": csrf_in(page), "officer": "PC Reed 4471", "reference": "NM-2026-118"}


def _acts(stack: Stack, act: str) -> int:
    return _count(stack, "SELECT count(*) FROM console.acts WHERE act = %s", act)


def _evidence(stack: Stack, duty: str) -> int:
    """On the audit's record."""
    asked = (
        "SELECT count(*) FROM audit.entries WHERE kind = 'operator.acted.v1' AND convert_from(envelope, 'UTF8') LIKE %s"
    )
    return _count(stack, asked, f"%{duty.removeprefix('/duties/')}%")


def _answers(stack: Stack, duty: str) -> int:
    asked = "SELECT count(*) FROM audit.entries WHERE kind = 'duty.acknowledged.v1' AND convert_from(envelope, 'UTF8') LIKE %s"
    return _count(stack, asked, f"%{duty.removeprefix('/duties/')}%")


def _orphaned_words(stack: Stack) -> int:
    """Words of operators that no act on the record names."""
    asked = """
        SELECT count(*) FROM register.words w WHERE w.said_by LIKE 'account-%%' AND NOT EXISTS (
            SELECT FROM audit.entries e WHERE convert_from(e.envelope, 'UTF8') LIKE '%%' || w.id || '%%')
    """
    return _count(stack, asked)


def _count(stack: Stack, asked: str, *about: str) -> int:
    with psycopg.connect(stack.admin_url) as connection:
        row = connection.execute(asked.encode(), about or None).fetchone()
    assert row is not None
    return int(row[0])
