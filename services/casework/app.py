"""Puts casework together."""

from collections.abc import Sequence
from functools import partial

from services.casework import metrics, register_monitor
from services.casework.register_monitor import EVERY_SECONDS, FORGETS_EVERY_SECONDS, forget_replaced, show_ages
from services.casework.settings import CaseworkSettings
from services.casework.web import pages
from services.platform.bus.service_host import ServiceHost
from services.platform.option import Option, add_parts
from services.platform.runtime.periodic import Repeating


async def main(options: Sequence[Option] = ()) -> None:
    settings = CaseworkSettings()
    host = ServiceHost("casework", settings)
    metrics.EXERCISES_CONFIGURED.set(bool(settings.exercise_authority))
    add_parts(options, host, settings)
    ages = partial(show_ages, host.store, host.clocks)
    host.add_periodic(Repeating("register freshness", ages, every_seconds=EVERY_SECONDS))
    ending = partial(register_monitor.show_ends, host.store, settings.keyring, host.clocks)
    host.add_periodic(Repeating("ends", ending, every_seconds=register_monitor.EVERY_SECONDS))
    forgetting = partial(forget_replaced, host.store, host.clocks)
    host.add_periodic(Repeating("replaced rows", forgetting, every_seconds=FORGETS_EVERY_SECONDS))
    await host.run(pages(host.store, host.clocks, settings))
