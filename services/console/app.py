"""Puts the console together."""

from collections.abc import Sequence

from services.console.metrics import GaugeUpdater
from services.console.read_model.projections import Handlers
from services.console.settings import ConsoleSettings
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.platform.bus.administration import lag_watch
from services.platform.bus.connection import Connection
from services.platform.bus.consumer import BatchConsumer
from services.platform.bus.message_processor import in_background
from services.platform.bus.service_host import ServiceHost
from services.platform.option import Option, add_parts, pages_of
from services.platform.runtime.logs import logger
from services.platform.store.migrations.access import SERVICES

GATHER_SECONDS = 0.5
"""Brings a report's messages together: each transaction wakes every listener. A page may be a second behind."""


async def main(options: Sequence[Option] = ()) -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = ConsoleSettings()
    host = ServiceHost("console", settings)
    changes = Changes(host.store.channels, host.clocks)
    subscriptions = in_background(Handlers(host.clocks).by_kind())
    host.subscribe(subscriptions, consumer=BatchConsumer, gather_seconds=GATHER_SECONDS)
    gauges = GaugeUpdater(host.store, host.clocks)
    host.health.watch("standing", gauges.obstacle)
    host.parts.extend([gauges, lag_watch(Connection(settings), SERVICES)])
    add_parts(options, host, settings)
    served = pages(host.store, host.clocks, changes, settings, pages_of(options, host.service))
    if not served.state.has_way_in:
        logger().error("nobody can sign in: there are neither own accounts nor a provider")
    await host.run(served, closing=changes.close)
