"""Adds sign-in by password, the page *Accounts* and the command `accounts`. Without it, only providers do."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.platform.option import Option

if TYPE_CHECKING:
    from fastapi import FastAPI

    from services.console.settings import ConsoleSettings
    from services.console.web.session import SessionGuard
    from services.console.web.templates import Templates


def _mount(app: "FastAPI", guard: "SessionGuard", templates: "Templates", settings: "ConsoleSettings") -> None:
    from services.console.policy.access import May
    from services.console.web.templates import Section
    from services.options.own_accounts.pages import AccountPages, PasswordPages

    templates.add(Path(__file__).parent, Section("/accounts", "Accounts", May.ADMINISTER))
    templates.takes_passwords = True
    PasswordPages(guard, templates, settings.keyring).mount(app)
    AccountPages(guard, templates).mount(app)


def _commands() -> dict[str, Any]:
    from services.options.own_accounts.commands import accounts

    return {"accounts": accounts}


OPTION = Option("own-accounts", pages={"console": _mount}, commands=_commands)
