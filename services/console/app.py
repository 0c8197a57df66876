"""Puts the console together."""

from collections.abc import Sequence

from services.console.fallback.pack import PackPage, PackWriter, PlanFault, read_plans
from services.console.monitoring.gauges import GaugeUpdater
from services.console.read_model.projections import Handlers
from services.console.settings import ConsoleSettings
from services.console.web import Guest, pages
from services.console.web.changes import Changes
from services.platform.bus.connection import Connection
from services.platform.bus.consumer_offsets import lag_watch
from services.platform.bus.consumers.consumer import BatchConsumer
from services.platform.bus.message_processor import in_background
from services.platform.bus.service_host import ServiceHost
from services.platform.runtime.places import signer
from services.platform.store.migrations.access import SERVICES

GATHER_SECONDS = 0.5
"""Brings a report's messages together. A page may be a second behind. Each transaction notifies, and that wakes the
listener of every process.
"""


def _pack_writer(settings: ConsoleSettings, host: ServiceHost) -> list[PackWriter]:
    """None where no plan is named. A plan that cannot be used ends the process and says why."""
    if settings.fallback_plan is None or settings.pack_key is None:
        return []
    try:
        plans = read_plans(settings.fallback_plan)
    except PlanFault as fault:
        raise SystemExit(str(fault)) from None
    page = PackPage(host.store, host.clocks, settings.keyring)
    return [PackWriter(page, plans, signer(settings.pack_key.get_secret_value()))]


async def main(guests: Sequence[Guest] = ()) -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = ConsoleSettings()
    host = ServiceHost("console", settings)
    changes = Changes(host.store.channels, host.clocks)
    subscriptions = in_background(Handlers(host.clocks).by_kind())
    host.subscribe(subscriptions, consumer=BatchConsumer, gather_seconds=GATHER_SECONDS)
    gauges = GaugeUpdater(host.store, host.clocks)
    host.health.watch("standing", gauges.obstacle)
    host.parts.extend([gauges, lag_watch(Connection(settings), SERVICES), *_pack_writer(settings, host)])
    await host.run(pages(host.store, host.clocks, changes, settings, guests), closing=changes.close)
