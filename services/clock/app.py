"""The clock, put together."""

from functools import partial

from services.bus.house import House
from services.clock.handlers import fire_due
from services.runtime.repeating import Repeating
from services.runtime.settings import Settings

TICK_SECONDS = 0.2


async def main() -> None:
    house = House("clock", Settings())
    house.turn(Repeating("due deadlines", partial(fire_due, house.store, house.clocks), every_seconds=TICK_SECONDS))
    await house.run()
