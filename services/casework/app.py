"""Casework, put together."""

from services.bus.house import House
from services.casework.settings import CaseworkSettings
from services.casework.web import pages


async def main() -> None:
    settings = CaseworkSettings()
    house = House("casework", settings)
    await house.run(pages(house.store, house.clocks, settings))
