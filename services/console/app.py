"""The console, put together."""

from collections.abc import Sequence

from services.bus.house import House
from services.bus.lag import LagWatch
from services.console.handlers import Handlers
from services.console.live import Changes
from services.console.measuring import Measuring
from services.console.settings import ConsoleSettings
from services.console.web import Guest, pages
from services.store.engine import database_url
from services.store.migrations.access import SERVICES

GATHER_SECONDS = 0.05
"""A page is at most a second behind. The broker has gathered already; this brings the partitions' batches together."""


async def main(guests: Sequence[Guest] = ()) -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = ConsoleSettings()
    house = House("console", settings)
    changes = Changes(database_url(settings, "console"), house.clocks)
    house.subscribe_in_batches(Handlers(house.clocks).by_kind(), gather_seconds=GATHER_SECONDS)
    house.parts.append(changes)
    house.health.watch("page changes", changes.obstacle)
    measuring = Measuring(house.store, house.clocks)
    house.health.watch("standing", measuring.obstacle)
    house.parts.extend([measuring, LagWatch(settings.kafka, SERVICES)])
    await house.run(pages(house.store, house.clocks, changes, settings, guests), closing=changes.close)
