"""One stack for the crash tests, which hurt it in turn: each leaves it whole, and has carers, children and calendars of its own."""

from collections.abc import Callable, Iterator
from functools import cache

import pytest

from infra.local.stack import Stack
from tests.support.crashes.dying import Dying
from tests.support.engines.bus import wait_for_port
from tests.support.engines.stack import running_stack
from tests.support.outside.world import Carer, World, settle_town

CARERS = 120
"""More than all of them take, at every step of every service too (`make chaos`)."""


@pytest.fixture(scope="package")
def hurt_stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Gone before the tests begin that share the unhurt one."""
    with running_stack(tmp_path_factory.mktemp("hurt")) as stack:
        yield stack


@pytest.fixture(scope="package")
def towns_carers(hurt_stack: Stack) -> Iterator[Carer]:
    """Of one town; a test takes as many as it needs, and no other meets them."""
    return iter(settle_town(hurt_stack, CARERS))


@pytest.fixture
def hurt_world(hurt_stack: Stack) -> Iterator[World]:
    """As soon as the console, which the test before may have ended, can be signed in at."""
    wait_for_port(hurt_stack.endpoints["console"].removeprefix("http://"))
    world = World(hurt_stack)
    yield world
    world.close()


@pytest.fixture(scope="module")
def dying(hurt_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Dying]]:
    """A service that dies at the step that it is told, in the place of the stack's own from the first time that a module asks for it."""
    put: list[Dying] = []

    @cache
    def one(service: str) -> Dying:
        put.append(Dying(hurt_stack, service, tmp_path_factory.mktemp(service)))
        return put[-1]

    yield one
    for each in put:
        each.give_way()
    hurt_stack.wait_ready()
