"""The audit, put together."""

from services.audit import metrics, store
from services.audit.handlers import Handlers
from services.audit.reconciler import LOOK_EVERY_SECONDS, Reconciler
from services.bus.house import House
from services.runtime.logs import logger
from services.runtime.repeating import Repeating
from services.runtime.settings import Settings

ANCHOR_EVERY_SECONDS = 60
GATHER_SECONDS = 0.1
"""A report brings more than a hundred messages, and nobody waits for their entries."""


async def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    house = House("audit", Settings())
    house.subscribe_in_batches(Handlers(house.clocks).by_kind(), gather_seconds=GATHER_SECONDS)
    reconciler = Reconciler(house.store, house.clocks)

    async def anchor() -> bool:
        """Its hash goes to the log as well, which lies where no database's administrator can change it."""
        async with house.store.transaction() as transaction:
            made = await store.anchor(transaction, house.clocks.wall())
        if made is not None:
            metrics.ANCHOR.set(made.number)
            metrics.ANCHORED_AT.set(made.made_at.timestamp())
            logger().info("anchored", anchor=made.number, hash=made.hash.hex())
        return False

    house.turn(Repeating("anchors", anchor, every_seconds=ANCHOR_EVERY_SECONDS))
    house.turn(Repeating("reconciling", reconciler.look, every_seconds=LOOK_EVERY_SECONDS))
    await house.run()
