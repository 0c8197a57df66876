"""Assembles the clock service."""

from services.clock.firing import Firing
from services.platform.bus.service_host import ServiceHost
from services.platform.runtime.settings import Settings


async def main() -> None:
    host = ServiceHost("clock", Settings())
    host.add_periodic(Firing(host.store, host.clocks).loop)
    await host.run()
