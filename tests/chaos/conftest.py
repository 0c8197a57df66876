"""One stack for the crash tests, which hurt it in turn: each leaves it whole, and has carers, children and calendars of its own."""

from collections.abc import Iterator

import pytest

from infra.local.stack import Stack
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
