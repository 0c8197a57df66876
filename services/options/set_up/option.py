"""Adds the page *Authorities* to the console. Its files and imports need `register-upkeep` at casework."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.platform.option import Option

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.console.settings import ConsoleSettings
    from services.console.web.session import SessionGuard
    from services.console.web.templates import Templates


def _mount(app: "FastAPI", guard: "SessionGuard", templates: "Templates", settings: "ConsoleSettings") -> None:
    from services.console.policy.access import May
    from services.console.web.templates import Section
    from services.options.set_up.pages import AuthorityPages
    from services.options.set_up.service import AuthorityService

    templates.add(Path(__file__).parent, Section("/authorities", "Authorities", May.ADMINISTER))
    service = AuthorityService(guard.store, guard.clocks, settings.keyring, settings.providers, settings.casework_url)
    AuthorityPages(guard, templates, service).mount(app)


OPTION = Option("set-up", pages={"console": _mount})
