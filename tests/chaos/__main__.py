"""`make chaos`: 200 reports from 200 carers while everything is killed at random, with two replicas of each service. Prints what was lost and how long each death took to mend."""

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from infra.local.stack import Stack
from tests.chaos.flowing import Flow, Tally, settled_tally
from tests.support.world import World, settle_town

ENGINES = ("kafka", "postgres")
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
MEND_WITHIN_SECONDS = 60
PAUSE_SECONDS = (1.0, 4.0)
DEATHS_A_MINUTE_MOST = 4
"""The supervisor gives a process up that dies more than five times a minute, as an operator would want."""


class Torment:
    """Kills one process after another until the flow ends, and waits each time until everything is ready again."""

    def __init__(self, stack: Stack, chance: random.Random) -> None:
        self._stack, self._chance = stack, chance
        self._deaths: defaultdict[str, list[float]] = defaultdict(list)
        self.mended: defaultdict[tuple[str, str], list[float]] = defaultdict(list)

    def while_alive(self, flow: Flow) -> None:
        while flow.is_alive():
            time.sleep(self._chance.uniform(*PAUSE_SECONDS))
            name = self._chance.choice(self._names())
            if self._died_often(name):
                continue
            number = signal.SIGKILL if name in ENGINES else self._chance.choice(SIGNALS)
            self._deaths[name].append(time.monotonic())
            self._stack.kill(name, number)
            self._time_the_mending(name.removesuffix("-1"), number)

    def _names(self) -> list[str]:
        services = [name for service in self._stack.services for name in (service, f"{service}-1")]
        return [*services, *ENGINES]

    def _died_often(self, name: str) -> bool:
        lately = [at for at in self._deaths[name] if at > time.monotonic() - 60]
        return len(lately) >= DEATHS_A_MINUTE_MOST

    def _time_the_mending(self, name: str, number: signal.Signals) -> None:
        started = time.monotonic()
        time.sleep(0.3)
        self._stack.wait_ready(MEND_WITHIN_SECONDS)
        self.mended[name, number.name].append(time.monotonic() - started)


def table(mended: dict[tuple[str, str], list[float]]) -> Table:
    shown = Table("process", "signal", "deaths", "all ready again after, median s", "longest s")
    for (name, number), took in sorted(mended.items()):
        shown.add_row(name, number, str(len(took)), f"{median(took):.1f}", f"{max(took):.1f}")
    return shown


def run(folder: Path, reports: int, seed: int, screen: Console) -> Tally:
    stack = Stack(folder, replicas=2, say=screen.print)
    stack.start()
    try:
        world = World(stack)
        carers = settle_town(stack, reports)
        torment = Torment(stack, random.Random(seed))
        flow = Flow(world, carers, every_seconds=0.6)
        flow.start()
        torment.while_alive(flow)
        found = settled_tally(world, carers, 180)
        screen.print(table(torment.mended))
        world.close()
        return found
    finally:
        stack.stop()
        stack.remove()


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args(arguments)
    screen = Console()
    screen.print(f"seed {asked.seed}")
    with tempfile.TemporaryDirectory() as folder:
        found = run(Path(folder), asked.reports, asked.seed, screen)
    screen.print(f"{found.reports} reports; lost: {found.lost or 'none'}; doubled: {found.doubled or 'none'}")
    return 0 if found.is_right else 1


if __name__ == "__main__":
    sys.exit(main())
