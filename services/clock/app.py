"""Assembles the clock service."""

from collections.abc import Sequence
from functools import partial

from services.clock.timer import EVERY_SECONDS, DeadlineTimer, keep_up
from services.platform.bus.service_host import ServiceHost
from services.platform.option import Option, add_parts
from services.platform.runtime.process import Repeating
from services.platform.runtime.settings import Settings


async def main(options: Sequence[Option] = ()) -> None:
    host = ServiceHost("clock", Settings())
    host.add_periodic(DeadlineTimer(host.store, host.clocks).loop)
    host.add_periodic(Repeating("months", partial(keep_up, host.store), every_seconds=EVERY_SECONDS))
    add_parts(options, host, host.settings)
    await host.run()
