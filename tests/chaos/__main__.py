"""`make chaos`: 200 reports from 200 carers, and every fourth child comes back, while everything is killed at random, with two
replicas of each service. Then half an hour of story time passes. Prints what was lost or doubled, how every duty stands, and how
long each death took to mend.
"""

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
from tests.chaos.flowing import Flow, Heard, Tally, entries, settled_tally
from tests.chaos.standing import Standing, record_holds, settled_standing
from tests.support.outside.world import World, settle_town

ENGINES = ("kafka", "postgres")
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
MEND_WITHIN_SECONDS = 360
PAUSE_SECONDS = (1.0, 4.0)
EVERY_SECONDS = 1.2
BACK_EVERY = 4
SETTLED_WITHIN_SECONDS = 720
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


def run(folder: Path, reports: int, seed: int, screen: Console) -> bool:
    stack = Stack(folder, replicas=2, say=screen.print)
    stack.start()
    try:
        world = World(stack)
        heard = Heard(world)
        carers = settle_town(stack, reports)
        back = carers[::BACK_EVERY]
        torment = Torment(stack, random.Random(seed))
        for texted in (Flow(world, carers, EVERY_SECONDS), Flow(world, back, EVERY_SECONDS, "BACK")):
            texted.start()
            torment.while_alive(texted)
            found = settled_tally(heard, carers, SETTLED_WITHIN_SECONDS, back if texted.words == "BACK" else ())
            _say(screen, f"{len(carers)} reports, {texted.words} texted", found)
            if not found.is_right:
                return False
        screen.print(table(torment.mended))
        world.forward("30m")
        stands, invited = settled_standing(stack, SETTLED_WITHIN_SECONDS), entries(world, reports)
        _say(screen, "invitations", invited)
        world.close()
        return _is_said(screen, stands) and invited.is_right and _holds(screen, stack)
    finally:
        stack.stop()
        stack.remove()


def _say(screen: Console, what: str, found: Tally) -> None:
    screen.print(f"{what}; lost: {found.lost or 'none'}; doubled: {found.doubled or 'none'}")


def _is_said(screen: Console, stands: Standing) -> bool:
    screen.print(f"{stands.duties.total()} duties: {dict(stands.duties)}; faults: {stands.faults or 'none'}")
    return not stands.faults


def _holds(screen: Console, stack: Stack) -> bool:
    holds = record_holds(stack)
    screen.print("the audit's record holds" if holds else "the audit's record does NOT hold")
    return holds


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=200)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    asked = parser.parse_args(arguments)
    screen = Console()
    screen.print(f"seed {asked.seed}")
    with tempfile.TemporaryDirectory() as folder:
        return 0 if run(Path(folder), asked.reports, asked.seed, screen) else 1


if __name__ == "__main__":
    sys.exit(main())
