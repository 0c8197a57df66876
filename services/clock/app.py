"""Assembles the clock service."""

from services.clock.timer import DeadlineTimer
from services.platform.bus.service_host import ServiceHost
from services.platform.runtime.settings import Settings


async def main() -> None:
    host = ServiceHost("clock", Settings())
    host.add_periodic(DeadlineTimer(host.store, host.clocks).loop)
    await host.run()
