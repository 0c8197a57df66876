"""Adds to casework what keeps the register, the page *Forces and agencies* to the console, and `register` and
`organisations` to the command line. Without it the register has to be filled otherwise, and the console's page of an
authority says that nobody answers.
"""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.platform.option import Option

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.casework.settings import CaseworkSettings
    from services.console.settings import ConsoleSettings
    from services.console.web.session import SessionGuard
    from services.console.web.templates import Templates
    from services.platform.bus.service_host import ServiceHost


def _mount(*casework: Any) -> None:
    from services.options.register_upkeep.endpoint import mount

    mount(*casework)


def _show(app: "FastAPI", guard: "SessionGuard", templates: "Templates", settings: "ConsoleSettings") -> None:
    from services.console.policy.access import May
    from services.console.web.templates import Section
    from services.options.register_upkeep.pages import OrganisationPages

    section = Section("/organisations", "Forces and agencies", May.SEND_AGAIN, everywhere=True)
    templates.add(Path(__file__).parent, section)
    OrganisationPages(guard, templates, settings.casework_url).mount(app)


def _watch(host: "ServiceHost", settings: "CaseworkSettings") -> None:
    from services.options.register_upkeep.monitor import forget_replaced, show_ages, show_ends
    from services.platform.runtime.process import Repeating

    ages = partial(show_ages, host.store, host.clocks)
    ends = partial(show_ends, host.store, settings.keyring, host.clocks)
    forgetting = partial(forget_replaced, host.store, host.clocks)
    host.add_periodic(Repeating("register freshness", ages, every_seconds=60.0))
    host.add_periodic(Repeating("ends", ends, every_seconds=60.0))
    host.add_periodic(Repeating("replaced rows", forgetting, every_seconds=3600.0))


def _commands() -> dict[str, Any]:
    from services.options.register_upkeep.commands import organisations, register

    return {"organisations": organisations, "register": register}


OPTION = Option(
    "register-upkeep", pages={"casework": _mount, "console": _show}, parts={"casework": _watch}, commands=_commands
)
