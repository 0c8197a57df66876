"""Adds to the console's page *Shift* what changes it. Without it that shows who is on call."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.platform.option import Option

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.console.settings import ConsoleSettings
    from services.console.web.session import SessionGuard
    from services.console.web.templates import Templates


def _mount(app: "FastAPI", guard: "SessionGuard", templates: "Templates", settings: "ConsoleSettings") -> None:
    from services.options.shift_exchange.acts import RotaService
    from services.options.shift_exchange.pages import ExchangePages, ExchangeQueries

    templates.add(Path(__file__).parent)
    backing = guard.store, guard.clocks, settings.keyring
    ExchangePages(guard, templates, ExchangeQueries(*backing), RotaService(*backing)).mount(app)


OPTION = Option("shift-exchange", pages={"console": _mount})
