"""What a force that hangs does to another: `python -m tests.bench.lanes`. Pairs of runs, with and without one that hangs.

Waits are from putting a notice to its being sent; the figure is the 99th percentile, and the claim is that the median of five runs
with a hanging force is within twice that without.
"""

import asyncio
import tempfile
from base64 import b64encode
from pathlib import Path
from statistics import median

from rich.console import Console
from rich.table import Table

from services.platform.store.encryption import Keyring
from tests.bench.load import logged_in
from tests.integration.delivery.test_lanes import ManyDestinations, prepare
from tests.support.engines.database import Database, running_database
from tests.support.in_process.delivery import received, running_floor

NOTICES, HANGING, RUNS, PAUSE_SECONDS = 200, 200, 5, 0.02


async def run(database: Database, *, hangs: bool) -> float:
    """The 99th percentile of the waits of the force that is well, in milliseconds."""
    keyring = Keyring(b64encode(b"m" * 32).decode(), b64encode(b"p" * 32).decode())
    medium = ManyDestinations(hangs={"force-hangs"})
    engine = database.engine("police")
    async with running_floor(engine, keyring, medium, prepare=prepare) as floor:
        put = {}
        for each in range(NOTICES):
            if hangs and each < HANGING:
                await floor.put(received(), "force-hangs")
            delivery = await floor.put(received(), "force-well")
            put[delivery.id] = delivery.created_at
            await asyncio.sleep(PAUSE_SECONDS)
        await _until_sent(medium, len(put))
    await engine.dispose()
    sent = {sending.id: at for at, sending in medium.sent if sending.id in put}
    waits = sorted((at - put[notice]).total_seconds() * 1000 for notice, at in sent.items())
    return waits[int(len(waits) * 0.99) - 1]


async def _until_sent(medium: ManyDestinations, count: int) -> None:
    async with asyncio.timeout(60):
        while sum(sending.recipient == "force-well" for _, sending in medium.sent) < count:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def compared(database: Database) -> Table:
    pairs = [(await run(database, hangs=False), await run(database, hangs=True)) for _ in range(RUNS)]
    table = Table("run", "p99 ms alone", "p99 ms beside one that hangs")
    for at, (alone, beside) in enumerate(pairs, start=1):
        table.add_row(str(at), f"{alone:.1f}", f"{beside:.1f}")
    middle = [median(each) for each in zip(*pairs, strict=True)]
    table.add_row("median", f"{middle[0]:.1f}", f"{middle[1]:.1f} ({middle[1] / middle[0]:.2f} times)")
    return table


def measure(screen: Console) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        logged_in(Path(folder)),
        running_database(Path(folder)) as database,
    ):
        table = asyncio.run(compared(database))
    screen.print(table)


if __name__ == "__main__":
    measure(Console())
