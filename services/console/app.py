"""The console, put together."""

from services.bus.house import House
from services.console.handlers import Handlers
from services.console.live import Changes
from services.console.settings import ConsoleSettings
from services.console.web import pages
from services.store.engine import database_url


async def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = ConsoleSettings()
    house = House("console", settings)
    changes = Changes(database_url(settings, "console"), house.clocks)
    house.hear(Handlers(house.clocks).by_kind())
    house.parts.append(changes)
    house.health.watch("page changes", changes.obstacle)
    await house.run(pages(house.store, house.clocks, changes, settings), closing=changes.close)
