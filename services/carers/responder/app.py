"""Puts the stand-in together: `python -m services responder`."""

from prometheus_client import REGISTRY
from starlette.types import ASGIApp

from services.carers.inbound.spool import Spool
from services.carers.responder.hand_over import HandOver
from services.carers.responder.web import pages
from services.carers.settings import ResponderSettings
from services.platform.runtime import logs
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.health import Health
from services.platform.runtime.http.exposition import exposition
from services.platform.runtime.http.server import Web
from services.platform.runtime.process import run_until_told


async def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    settings, clocks = ResponderSettings(), Clocks()
    logs.configure("responder", settings.slot)
    spool = Spool(settings.spool_dir, settings.keyring)
    hand_over = HandOver(settings, spool, clocks)
    web = Web(serve(spool, hand_over, clocks, settings), settings.http_port, settings.http_host)
    await run_until_told([hand_over.repeating, web])


def serve(spool: Spool, hand_over: HandOver, clocks: Clocks, settings: ResponderSettings) -> ASGIApp:
    """With the metrics and obstacles by which alerts tell of it: nobody looks at a stand-in."""
    health = Health()
    health.watch(hand_over.repeating.name, hand_over.repeating.obstacle)
    return exposition(REGISTRY, health, pages(spool, hand_over, clocks, settings), settings.metrics_network)
