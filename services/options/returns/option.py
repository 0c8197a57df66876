"""Adds the page *Returns* to the console."""

from pathlib import Path
from typing import TYPE_CHECKING

from services.platform.option import Option

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.console.settings import ConsoleSettings
    from services.console.web.session import SessionGuard
    from services.console.web.templates import Templates


def _mount(app: "FastAPI", guard: "SessionGuard", templates: "Templates", settings: "ConsoleSettings") -> None:
    from services.console.web.templates import Section
    from services.options.returns.pages import ReturnPages

    templates.add(Path(__file__).parent, Section("/returns", "Returns"))
    ReturnPages(guard, templates, guard.store, settings.keyring).mount(app)


OPTION = Option("returns", pages={"console": _mount})
