"""The console, put together."""

from services.bus.house import House
from services.console.handlers import Handlers
from services.console.live import Changes
from services.console.web import Pages
from services.runtime.settings import Settings
from services.store.engine import database_url


async def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings = Settings()
    house = House("console", settings)
    changes = Changes(database_url(settings, "console"), house.clocks)
    house.hear(Handlers(house.clocks).by_kind())
    house.parts.append(changes)
    house.health.watch("page changes", changes.obstacle)
    pages = Pages(house.store, house.clocks, changes, sandbox=settings.sandbox)
    await house.run(pages.app(), closing=changes.close)
