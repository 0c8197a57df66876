"""Assembles the audit service."""

from collections.abc import Sequence

from services.audit import metrics, store
from services.audit.reconciler import LOOK_EVERY_SECONDS, Reconciler, handlers_by_kind
from services.audit.settings import AuditSettings
from services.audit.verification import AnchorPublisher
from services.platform.bus.consumer import BatchConsumer
from services.platform.bus.message_processor import in_background
from services.platform.bus.service_host import ServiceHost
from services.platform.option import Option, add_parts
from services.platform.runtime.logs import logger
from services.platform.runtime.places import signer
from services.platform.runtime.process import Repeating
from services.platform.runtime.settings import SigningKeys

ANCHOR_EVERY_SECONDS = 60
REMOVE_EVERY_SECONDS = 3600
GATHER_SECONDS = 0.5
"""Nobody waits for an entry, and a report causes some thirty messages within a second or two."""


async def main(options: Sequence[Option] = ()) -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = AuditSettings()
    host = ServiceHost("audit", settings)
    subscriptions = in_background(handlers_by_kind(host.clocks))
    host.subscribe(subscriptions, consumer=BatchConsumer, gather_seconds=GATHER_SECONDS)
    reconciler = Reconciler(host.store, host.clocks)
    key = signer(SigningKeys().signing_key.get_secret_value())
    publisher = AnchorPublisher(host.store, host.clocks, settings.anchor_places, key)
    publishing = Repeating("published anchors", publisher.turn, every_seconds=ANCHOR_EVERY_SECONDS)

    async def anchor() -> bool:
        """Logs the anchor's hash too: an administrator of the database cannot change the log."""
        at = host.clocks.wall()
        async with host.store.transaction() as uow:
            made = await store.anchor(uow, at)
        metrics.ANCHORED_AT.set(at.timestamp())
        if made is not None:
            logger().info("anchored", anchor=made.number, hash=made.hash.hex())
            publishing.wake()
        return False

    async def remove_exercises() -> bool:
        """Returns True while there are more."""
        async with host.store.transaction() as uow:
            removed = await store.remove_old_exercises(uow)
        return removed > 0

    host.add_periodic(Repeating("old exercises", remove_exercises, every_seconds=REMOVE_EVERY_SECONDS))
    host.add_periodic(Repeating("anchors", anchor, every_seconds=ANCHOR_EVERY_SECONDS))
    host.add_periodic(publishing)
    host.add_periodic(Repeating("reconciling", reconciler.look, every_seconds=LOOK_EVERY_SECONDS))
    add_parts(options, host, host.settings)
    await host.run()
