"""Assembles the protocol service."""

from collections.abc import Sequence

from services.platform.bus.faust_consumer import FaustConsumer
from services.platform.bus.message_processor import Prefetch
from services.platform.bus.service_host import ServiceHost
from services.platform.option import Option, add_parts
from services.protocol.checks.check import faults_in
from services.protocol.editions.choice import RulesInForce
from services.protocol.editions.watch import RulesWatch
from services.protocol.handlers import Handlers
from services.protocol.loader import files
from services.protocol.settings import ProtocolSettings
from services.protocol.store import held_cases, remember


async def main(options: Sequence[Option] = ()) -> None:
    """Refuses to start only where the shipped rules are at fault: whatever an authority writes, the others go on."""
    settings = ProtocolSettings()
    shipped = files()
    findings = faults_in(shipped)
    if findings:
        raise SystemExit("\n".join(str(finding) for finding in findings))
    host = ServiceHost("protocol", settings)
    rules = RulesInForce()
    host.add_periodic(RulesWatch(rules, shipped, settings.protocol_dir, host.store, host.clocks).repeating())
    handlers = Handlers(rules, host.clocks)
    prefetch = Prefetch(lambda several: held_cases({each.subject for each in several}), remember)
    host.subscribe(handlers.subscriptions(), handlers.last_resort, prefetch=prefetch, consumer=FaustConsumer)
    add_parts(options, host, host.settings)
    await host.run()
