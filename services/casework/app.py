"""Puts casework together."""

from collections.abc import Sequence

from services.casework import metrics
from services.casework.settings import CaseworkSettings
from services.casework.web import pages
from services.platform.bus.service_host import ServiceHost
from services.platform.option import Option, add_parts, pages_of


async def main(options: Sequence[Option] = ()) -> None:
    settings = CaseworkSettings()
    host = ServiceHost("casework", settings)
    metrics.EXERCISES_CONFIGURED.set(bool(settings.exercise_authority))
    add_parts(options, host, settings)
    await host.run(pages(host.store, host.clocks, settings, pages_of(options, host.service)))
