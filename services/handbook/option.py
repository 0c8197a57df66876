"""Adds the protocol's pages to the console."""

from typing import Any

from services.platform.option import Option


def _mount(*console: Any) -> None:
    from services.handbook.web import mount

    mount(*console)


OPTION = Option("handbook", pages={"console": _mount})
