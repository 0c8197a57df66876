"""A service dies at each step of a merge: two reports become one child's, once, and nothing of either is lost."""

import os
import time
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest

from infra.local.stack import Stack
from tests.support.crashes.dying import Dying
from tests.support.outside.world import AGREED, Carer, World, _child, _duty, _person, _placement, settle

BUS = ("handled", "committed", "published", "settled", "acknowledged")
SENDING = ("begun", "sent", "ended")
EVERYWHERE = [
    *(("carers", step) for step in ("before-keeping", "kept", "read", "committed", "published", *SENDING)),
    *(("protocol", step) for step in BUS),
    *(("police", step) for step in (*BUS, *SENDING)),
]
SHORT = [
    ("carers", "read"),
    ("carers", "committed"),
    ("protocol", "handled"),
    ("protocol", "committed"),
    ("police", "sent"),
]
CASES = EVERYWHERE if os.environ.get("DIE_EVERYWHERE") else SHORT
"""`make chaos` dies at all of them."""
TOWN = "homeshire"
FIRST = 800
"""Of the homes' telephones: the other town's are lower."""
QUIET_SECONDS = 2.0

pytestmark = [pytest.mark.crash, pytest.mark.timeout(750)]


@pytest.fixture(scope="module")
def homes(hurt_stack: Stack) -> Iterator[Carer]:
    """A residential worker each, with two children. The code is the first one's; the other's follows it."""
    workers = [Carer(f"+44770090{FIRST + 2 * each:04}", f"H{100 + 2 * each}") for each in range(len(EVERYWHERE))]
    settle(hurt_stack, _document(workers))
    return iter(workers)


@pytest.mark.parametrize(("service", "step"), CASES)
def test_two_reports_of_one_child_become_one_though_a_service_dies_at(
    hurt_world: World, homes: Iterator[Carer], dying: Callable[[str], Dying], service: str, step: str
) -> None:
    world, worker = hurt_world, next(homes)
    first, second = _report_twice(world, worker)
    before, one = _identified(world.stack), dying(service)
    one.die_at(step)
    world.text(worker.number, "SAME")
    one.wait_until_dead()
    one.start()

    world.eventually(lambda: _joining(world, worker))
    world.eventually(lambda: _told(world, worker, f"{worker.child_code} recorded as missing"))
    time.sleep(QUIET_SECONDS)
    [joined] = _joining(world, worker)
    assert (joined["refers_to"], joined["same_child"]) == (first, second), "police hear once that two are one"
    assert len(_about(world, worker, "missing")) == 2
    world.eventually(lambda: _identified(world.stack) > before, within_seconds=60)
    assert _identified(world.stack) == before + 1
    _shows_one_report(world, worker)

    world.eventually(lambda: _is_taken(world.stack, joined["notice"]))
    time.sleep(QUIET_SECONDS)
    heard = len(_about(world, worker, "new-information"))
    world.text(worker.number, "She has a red coat on")
    world.eventually(lambda: len(_about(world, worker, "new-information")) > heard)
    world.confirm(worker.number, "BACK")
    world.eventually(lambda: len(_about(world, worker, "returned")) == 2)
    time.sleep(QUIET_SECONDS)
    news = [each["refers_to"] for each in _about(world, worker, "new-information")[heard:]]
    assert news == [first], "by the first notice alone, once"
    assert {each["refers_to"] for each in _about(world, worker, "returned")} == {first, second}, "neither is left open"
    assert len(_told(world, worker, "recorded as back")) == 1


def _report_twice(world: World, worker: Carer) -> tuple[str, str]:
    """By the child's code, and then without a name, as of another. The ids of both notices."""
    world.text(worker.number, f"{worker.child_code} is missing")
    first = world.eventually(lambda: _about(world, worker, "missing"))
    world.eventually(lambda: _told(world, worker, "say that they have your report"))
    world.text(worker.number, "another one has gone missing")
    world.eventually(lambda: len(_about(world, worker, "missing")) == 2)
    world.eventually(lambda: len(_told(world, worker, "say that they have your report")) == 2)
    time.sleep(QUIET_SECONDS)
    names = [each["notice"] for each in _about(world, worker, "missing")]
    return names[0], next(each for each in names if each != first[0]["notice"])


def _about(world: World, worker: Carer, what: str) -> list[dict[str, Any]]:
    found = [each["body"]["data"] for each in world.notices(worker.number)]
    return [each for each in found if each["about"] == what]


def _joining(world: World, worker: Carer) -> list[dict[str, Any]]:
    return [data for each in world.notices(worker.number) if (data := each["body"]["data"]).get("same_child")]


def _told(world: World, worker: Carer, words: str) -> list[str]:
    return [body for body in world.texts_to(worker.number) if words in body]


def _shows_one_report(world: World, worker: Carer) -> None:
    """The conversation goes on about the child: no report without a name is left in it."""
    before = len(world.texts_to(worker.number))
    world.text(worker.number, "STATUS")
    [status] = world.eventually(lambda: world.texts_to(worker.number)[before:])
    assert status.startswith(f"{worker.child_code}: police say they have it")
    assert "without a name" not in status


def _is_taken(stack: Stack, notice: str) -> bool:
    """Whether our service knows that it arrived. Until their system has taken "one child", news goes by both notices."""
    with psycopg.connect(stack.admin_url) as connection:
        found = connection.execute("SELECT state FROM delivery.deliveries WHERE id = %s", (notice,)).fetchone()
    return found is not None and found[0] in {"accepted", "delivered", "acknowledged"}


def _identified(stack: Stack) -> int:
    """How often it has been said which child is meant, on the audit's record."""
    with psycopg.connect(stack.admin_url) as connection:
        found = connection.execute("SELECT count(*) FROM audit.entries WHERE kind = 'child.identified.v1'").fetchone()
    assert found is not None
    return int(found[0])


def _document(workers: list[Carer]) -> dict[str, Any]:
    return {
        "authority": {"id": TOWN, "name": "Homeshire County Council", "duty_line": "+441632960191"},
        "sharing_agreements": AGREED,
        "placements": [
            _placement(each, TOWN) | {"reference": f"home-{each}", "kind": "residential"}
            for each in range(len(workers))
        ],
        "people": [
            *(_person(f"worker-{each}", worker.number) for each, worker in enumerate(workers)),
            _person("duty-1", "+447700900592"),
            _person("manager-1", "+447700900593"),
        ],
        "carers": [{"person": f"worker-{each}", "placement": f"home-{each}"} for each in range(len(workers))],
        "children": [
            _housemate(each, worker.child_code, following)
            for each, worker in enumerate(workers)
            for following in (0, 1)
        ],
        "directory": [_duty("duty.emergency-team", "duty-1"), _duty("duty.senior-manager", "manager-1")],
        "agencies": [],
    }


def _housemate(home: int, code: str, following: int) -> dict[str, object]:
    return _child(home, f"H{int(code[1:]) + following}") | {
        "reference": f"child-{home}-{following}",
        "name": f"Testchild Home{home} Number{following}",
        "placement": f"home-{home}",
    }
