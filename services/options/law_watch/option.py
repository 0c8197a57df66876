"""Adds `law` to the command line."""

from typing import Any

from services.platform.option import Option


def _commands() -> dict[str, Any]:
    from services.options.law_watch.commands import law

    return {"law": law}


OPTION = Option("law-watch", commands=_commands)
