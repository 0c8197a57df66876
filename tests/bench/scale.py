"""Shows how Safe Return grows: 1, 2 and 4 processes of each service, each with the same share of a processor.

`python -m tests.bench.scale` (Linux, as root). A burst of reports is sent, and the rate at which all their duties are done is set
beside the rate that follows from what one report costs each service: `shares x processes / seconds of processor a report`, of the
service that is the dearest. docs/capacity.md uses the same calculation.
"""

import argparse
import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import aiohttp
from rich.console import Console
from rich.table import Table

from infra.local.stack import Stack
from tests.bench.cost import Cost, measured
from tests.bench.quota import share
from tests.bench.reports import Reports
from tests.support.outside.world import settle_town

CARERS = 400
CORES_EACH = 0.05
ENGINES = frozenset({"kafka", "postgres", "sandbox"})


@dataclass(frozen=True)
class Point:
    """`cost`: seconds of processor that one report takes of each service, all its processes together."""

    processes: int
    a_second: float
    cost: Mapping[str, float]

    @property
    def calculated(self) -> float:
        """Reports a second: the service that is the dearest sets the pace."""
        dearest = max(seconds for name, seconds in self.cost.items() if name not in ENGINES)
        return CORES_EACH * self.processes / dearest


def measure(processes: int, reports: int, screen: Console) -> Point:
    with tempfile.TemporaryDirectory() as folder, ExitStack() as shares:
        stack = Stack(Path(folder), replicas=processes, say=screen.print)
        stack.start()
        try:
            settle_town(stack, CARERS)
            for name in stack.process_names:
                pid = stack.pid(name)
                assert pid is not None, name
                shares.enter_context(share(name, pid, CORES_EACH))
            cost = asyncio.run(_burst(stack, reports))
        finally:
            shares.close()
            stack.stop()
            stack.remove()
    by_service: defaultdict[str, float] = defaultdict(float)
    for name, seconds in cost.cpu.items():
        by_service[name.rstrip("-0123456789")] += seconds / reports
    return Point(processes, reports / cost.done_after, by_service)


async def _burst(stack: Stack, reports: int) -> Cost:
    async with aiohttp.ClientSession() as session:
        sender = Reports(stack, session)
        async with measured(stack):
            await sender.texts(5, 1.0)
        async with measured(stack) as cost:
            await sender.texts(reports, None)
    return cost


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--reports", type=int, default=60)
    reports = parser.parse_args().reports
    screen = Console(width=150)
    points = [measure(processes, reports, screen) for processes in (1, 2, 4)]
    table = Table("processes each", "reports a second", "calculated", "dearest service", "its seconds a report")
    for point in points:
        services = {name: seconds for name, seconds in point.cost.items() if name not in ENGINES}
        dearest = max(services, key=services.__getitem__)
        table.add_row(
            str(point.processes),
            f"{point.a_second:.2f}",
            f"{point.calculated:.2f}",
            dearest,
            f"{services[dearest]:.3f}",
        )
    screen.print(table)
    costs = Table("service", *(f"{point.processes}: ms a report" for point in points))
    for name in sorted(points[0].cost):
        costs.add_row(name, *(f"{point.cost.get(name, 0.0) * 1000:.0f}" for point in points))
    screen.print(costs)


if __name__ == "__main__":
    main()
