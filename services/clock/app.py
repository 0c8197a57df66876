"""Assembles the clock service."""

from functools import partial

from services.clock.handlers import fire_due
from services.clock.months import EVERY_SECONDS, keep_up
from services.platform.bus.service_host import ServiceHost
from services.platform.runtime.periodic import Repeating
from services.platform.runtime.settings import Settings

TICK_SECONDS = 0.2


async def main() -> None:
    host = ServiceHost("clock", Settings())
    host.add_periodic(
        Repeating("due deadlines", partial(fire_due, host.store, host.clocks), every_seconds=TICK_SECONDS)
    )
    host.add_periodic(Repeating("months", partial(keep_up, host.store), every_seconds=EVERY_SECONDS))
    await host.run()
