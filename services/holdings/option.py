"""Adds the page of what is held about a person to the console, and two commands."""

from typing import Any

from services.platform.option import Option


def _mount(*console: Any) -> None:
    from services.holdings.subject_access import mount

    mount(*console)


def _commands() -> dict[str, Any]:
    from services.holdings.commands import exits, subject_access

    return {"authority-exit": exits, "subject-access": subject_access}


OPTION = Option("holdings", pages={"console": _mount}, commands=_commands)
