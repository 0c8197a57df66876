"""Reports flow while a cluster is hurt: none is lost, none counts twice, every duty goes on, the record verifies, and the copy
elsewhere has no gap.

`make faults` does every fault with two processes of each service; `make test` two, with one of each.
"""

import os
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import islice

import psycopg
import pytest

from infra.local.stack import Stack
from infra.postgres.server import SETTINGS
from tests.chaos.flowing import Flow, settled_tally
from tests.chaos.standing import gap_elsewhere, lies_elsewhere, record_holds, settled_standing
from tests.cluster.faults import FAULTS, wait_until_whole
from tests.support.engines.alone import require_alone
from tests.support.outside.world import Carer, World, settle_town

LONG = "FAULT_REPORTS" in os.environ
REPORTS = int(os.environ.get("FAULT_REPORTS", "6"))
REPLICAS = int(os.environ.get("FAULT_REPLICAS", "2" if LONG else "1"))
EVERY_SECONDS = float(os.environ.get("FAULT_EVERY_SECONDS", "1.2"))
SEED = int(os.environ.get("FAULT_SEED", "25"))
CHOSEN = (
    os.environ.get("FAULTS", "" if LONG else "lose-the-leading-broker lose-the-primary-with-its-disk").split() or FAULTS
)
HURTS_AFTER_SECONDS = 2.0
SETTLED_WITHIN_SECONDS = 240
pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    require_alone()
    stack = Stack(tmp_path_factory.mktemp("cluster"), replicas=REPLICAS, cluster=True, archive=True)
    stack.start()
    yield stack
    stack.stop()
    stack.remove()


@pytest.fixture(scope="module")
def carers(cluster: Stack) -> Iterator[Carer]:
    return iter(settle_town(cluster, (REPORTS + 1) * len(CHOSEN)))


@pytest.fixture
def world(cluster: Stack) -> Iterator[World]:
    one = World(cluster)
    yield one
    one.close()


def test_the_databases_take_as_many_connections_as_one_alone(cluster: Stack) -> None:
    with psycopg.connect(cluster.admin_url) as connection:
        assert connection.execute("SHOW max_connections").fetchone() == (SETTINGS["max_connections"],)


@pytest.mark.parametrize("fault", CHOSEN)
def test_a_cluster_loses_nothing_and_doubles_nothing(
    cluster: Stack, world: World, carers: Iterator[Carer], fault: str, capsys: pytest.CaptureFixture[str]
) -> None:
    reporting, [first] = list(islice(carers, REPORTS)), list(islice(carers, 1))
    flow = Flow(world, reporting, EVERY_SECONDS)
    flow.start()
    time.sleep(2)
    with ThreadPoolExecutor(1) as beside:
        hurting = beside.submit(FAULTS[fault], cluster, random.Random(SEED))
        time.sleep(HURTS_AFTER_SECONDS)
        took = _until_police_have(world, first)
        hurting.result()
    ended = time.monotonic()
    wait_until_whole(cluster)
    whole, mended = time.monotonic() - ended, datetime.now(UTC)
    flow.join()
    found = settled_tally(world, [*reporting, first], SETTLED_WITHIN_SECONDS)
    assert found.is_right, found
    assert settled_standing(cluster, SETTLED_WITHIN_SECONDS).faults == []
    assert record_holds(cluster)
    world.eventually(lambda: lies_elsewhere(cluster, mended), SETTLED_WITHIN_SECONDS)
    assert gap_elsewhere(cluster) is None
    with capsys.disabled():
        print(
            f"\n{fault}: {REPORTS + 1} reports, 0 lost, 0 doubled; a report made meanwhile was at the police desk after"
            f" {took:.1f} s; whole {whole:.1f} s after its end; settled after {time.monotonic() - ended:.0f} s"
        )


def _until_police_have(world: World, carer: Carer) -> float:
    """Seconds, for who reports while it hurts."""
    begun = time.monotonic()
    world.text(carer.number, "MISSING")
    world.eventually(
        lambda: any(carer.number in world.carers_numbers(each) for each in world.notices()), SETTLED_WITHIN_SECONDS
    )
    return time.monotonic() - begun
