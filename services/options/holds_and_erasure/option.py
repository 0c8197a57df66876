"""Adds the page *Holds and erasure* to the console. Holds that are made are kept without it."""

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
    from services.options.holds_and_erasure.pages import RecordPages
    from services.options.holds_and_erasure.service import DisposalService

    templates.add(Path(__file__).parent, Section("/records", "Holds and erasure", May.DISPOSE))
    RecordPages(guard, templates, DisposalService(guard.store, guard.clocks, settings.keyring)).mount(app)


OPTION = Option("holds-and-erasure", pages={"console": _mount})
