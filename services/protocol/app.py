"""Puts the protocol service together."""

from services.platform.bus.consumers.faust_consumer import FaustConsumer
from services.platform.bus.service_host import ServiceHost
from services.platform.bus.subscriptions import Prefetch
from services.protocol.checks.check import check
from services.protocol.handlers import Handlers
from services.protocol.loader import Library, files
from services.protocol.settings import ProtocolSettings
from services.protocol.store import held_cases, remember


async def main() -> None:
    """Refuses to start while `check` finds fault with a rule: a wrong protocol must not decide about a child."""
    settings = ProtocolSettings()
    findings = check(settings.protocol_dir)
    if findings:
        raise SystemExit("\n".join(str(finding) for finding in findings))
    host = ServiceHost("protocol", settings)
    handlers = Handlers(Library(files(settings.protocol_dir)), host.clocks)
    host.subscribe(
        handlers.subscriptions(), handlers.last_resort, prefetch=Prefetch(held_cases, remember), consumer=FaustConsumer
    )
    await host.run()
