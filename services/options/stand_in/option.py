"""Adds `responder` to the command line: the stand-in is a process of its own."""

import asyncio
from typing import Any

from services.platform.option import Option


def responder() -> None:
    """Stand in for carers at Twilio's fallback URL, on another machine. Needs neither bus nor database."""
    from services.options.stand_in.process import main

    asyncio.run(main())


def _commands() -> dict[str, Any]:
    return {"responder": responder}


OPTION = Option("stand-in", commands=_commands)
