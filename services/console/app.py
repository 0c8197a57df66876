"""Puts the console together."""

from collections.abc import Sequence

from services.console.monitoring.gauges import GaugeUpdater
from services.console.read_model.projections import Handlers
from services.console.settings import ConsoleSettings
from services.console.web import Guest, pages
from services.console.web.changes import Changes
from services.platform.bus.admin.consumer_lag import LagWatch
from services.platform.bus.connection import Connection
from services.platform.bus.consumers.batch_consumer import BatchConsumer
from services.platform.bus.service_host import ServiceHost
from services.platform.bus.subscriptions import in_background
from services.platform.store.migrations.access import SERVICES

GATHER_SECONDS = 0.05
"""Brings the partitions' batches together. A page may be a second behind."""


async def main(guests: Sequence[Guest] = ()) -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = ConsoleSettings()
    host = ServiceHost("console", settings)
    changes = Changes(host.store.channels, host.clocks)
    subscriptions = in_background(Handlers(host.clocks).by_kind())
    host.subscribe(subscriptions, consumer=BatchConsumer, gather_seconds=GATHER_SECONDS)
    gauges = GaugeUpdater(host.store, host.clocks)
    host.health.watch("standing", gauges.obstacle)
    host.parts.extend([gauges, LagWatch(Connection(settings), SERVICES)])
    await host.run(pages(host.store, host.clocks, changes, settings, guests), closing=changes.close)
