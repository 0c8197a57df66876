"""Reports flow while a cluster is hurt: none is lost, none counts twice, every duty goes on, the record verifies, and the copy
elsewhere has no gap.

`make faults` does every fault with two processes of each service, again and again while its reports flow; `make test` two,
with one of each. People answer what they are told, so that what is open stays what is new.
"""

import os
import random
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from infra.local.settings.layout import ROOT
from infra.local.stack import Stack
from infra.postgres.server import SETTINGS
from tests.chaos.flowing import Flow, Heard, settled_tally
from tests.chaos.standing import (
    Cases,
    gap_elsewhere,
    has_base_elsewhere,
    lies_elsewhere,
    record_holds,
    settled_standing,
)
from tests.cluster.faults import FAULTS, wait_until_whole
from tests.cluster.findings import Finding, Findings
from tests.support.engines.alone import require_alone
from tests.support.outside.world import PROFESSIONALS, Carer, World, settle_town, towns_number

LONG = "FAULT_REPORTS" in os.environ
REPORTS = int(os.environ.get("FAULT_REPORTS", "7"))
REPLICAS = int(os.environ.get("FAULT_REPLICAS", "2" if LONG else "1"))
EVERY_SECONDS = float(os.environ.get("FAULT_EVERY_SECONDS", "1.2"))
SEED = int(os.environ.get("FAULT_SEED", "25"))
CHOSEN = (
    os.environ.get("FAULTS", "" if LONG else "lose-the-leading-broker lose-the-primary-with-its-disk").split() or FAULTS
)
AGAIN_SECONDS = float(os.environ.get("FAULT_AGAIN_SECONDS", "120"))
"""From the beginning of a fault until it is done once more, if reports flow then."""
HURTS_AFTER_SECONDS = 2.0
LISTENS_EVERY_SECONDS = 5.0
SETTLED_WITHIN_SECONDS = 720 + REPORTS * EVERY_SECONDS
"""Nothing is lost only because many flow."""
NUMBERS_APART = REPORTS + 10
KEPT = ROOT / ".local" / "faults.md"
pytestmark = [pytest.mark.crash, pytest.mark.timeout(2250 + 4 * REPORTS * EVERY_SECONDS)]


@dataclass
class Run:
    """One cluster that lives through all faults, and what is known of it so far."""

    cluster: Stack
    world: World
    heard: Heard
    findings: Findings
    checkpoint: Path
    cases: Cases = field(default_factory=Cases)
    carers: list[Carer] = field(default_factory=list)

    def settle_next_town(self) -> list[Carer]:
        """A town a fault, with people who answer."""
        first = len(self.carers) // REPORTS * NUMBERS_APART
        name = f"testshire-{first}"
        staff = (towns_number(first - 10), towns_number(first - 9))
        carers = settle_town(self.cluster, REPORTS, town=name, first=first, staff=staff)
        for number in staff:
            self.world.phone_answers(number, answers=True)
        for person in PROFESSIONALS.values():
            self.world.mailbox_answers(f"{person}@{name}.example", answers=True)
        self.carers += carers
        return carers


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    require_alone()
    stack = Stack(tmp_path_factory.mktemp("cluster"), replicas=REPLICAS, cluster=True, archive=True)
    stack.start()
    yield stack
    stack.stop()
    stack.remove()


@pytest.fixture(scope="module")
def run(cluster: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("run")
    about = f"{datetime.now(UTC):%d %B %Y, %H:%M}: {REPORTS} reports a fault, one every {EVERY_SECONDS} s, seed {SEED}"
    findings = Findings(KEPT if LONG else folder / "faults.md", about)
    world = World(cluster)
    # Its first base backup must be there: the next is tried a minute later, and until then no gap can be told.
    world.eventually(lambda: has_base_elsewhere(cluster), SETTLED_WITHIN_SECONDS)
    yield Run(cluster, world, Heard(world), findings, folder / "checkpoint")
    world.close()


def test_the_databases_take_as_many_connections_as_one_alone(cluster: Stack) -> None:
    with psycopg.connect(cluster.admin_url) as connection:
        assert connection.execute("SHOW max_connections").fetchone() == (SETTINGS["max_connections"],)


@pytest.mark.parametrize("fault", CHOSEN)
def test_a_cluster_loses_nothing_and_doubles_nothing(run: Run, fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    carers, begun = run.settle_next_town(), datetime.now(UTC)
    flow = Flow(run.world, carers, EVERY_SECONDS)
    flow.start()
    try:
        whole = _hurt_while_it_flows(run, flow, fault)
    finally:
        flow.stop()
    mended, ended = datetime.now(UTC), time.monotonic()
    found = settled_tally(run.heard, carers, SETTLED_WITHIN_SECONDS)
    assert found.is_right, found
    counted = time.monotonic() - ended
    assert settled_standing(run.cluster, SETTLED_WITHIN_SECONDS, run.cases, begun).faults == []
    stood = time.monotonic() - ended
    assert record_holds(run.cluster, run.checkpoint)
    run.world.eventually(lambda: lies_elsewhere(run.cluster, mended), SETTLED_WITHIN_SECONDS)
    assert gap_elsewhere(run.cluster) is None
    finding = Finding(fault, run.heard.seconds_to_desk(carers), whole)
    run.findings.add(finding)
    with capsys.disabled():
        print(
            f"\n{finding.line()}0 lost, 0 doubled; after the last report, counted in {counted:.0f} s, every duty right in"
            f" {stood:.0f} s, all in {time.monotonic() - ended:.0f} s"
        )


def test_all_of_it_is_still_right_at_the_end(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    """Each fault looked at what was new. The last look is at everything."""
    if not run.carers:
        pytest.skip("no fault was done")
    found = settled_tally(run.heard, run.carers, SETTLED_WITHIN_SECONDS)
    assert found.is_right, found
    stands = settled_standing(run.cluster, SETTLED_WITHIN_SECONDS)
    assert stands.faults == []
    assert record_holds(run.cluster)
    with capsys.disabled():
        print(f"\n{len(run.carers)} reports; duties: {dict(stands.duties)}\n\n{run.findings.table()}")


def _hurt_while_it_flows(run: Run, flow: Flow, fault: str) -> list[float]:
    """Seconds until all is whole again, for each time. Returns when the flow has ended, and all is whole."""
    chance, whole = random.Random(SEED), list[float]()
    time.sleep(HURTS_AFTER_SECONDS)
    while flow.is_alive() or not whole:
        again = time.monotonic() + AGAIN_SECONDS
        FAULTS[fault](run.cluster, chance)
        ended = time.monotonic()
        wait_until_whole(run.cluster)
        whole.append(time.monotonic() - ended)
        while flow.is_alive() and time.monotonic() < again:
            run.heard.listen()
            flow.join(LISTENS_EVERY_SECONDS)
    return whole
