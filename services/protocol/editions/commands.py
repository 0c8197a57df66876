"""Provides `python -m services editions`, the record of the rules that were taken up."""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from services.safeguarding.working_time import in_england


def editions(
    authority: Annotated[
        str | None, typer.Option(help="Whose; `default` for the files of everybody. Left out: all.")
    ] = None,
) -> None:
    """Say which rules of an authority's own were taken up when, since when they hold, and who adopted them."""
    for each in asyncio.run(_read(authority)):
        adopted = "nobody is named" if each.adopted_by is None else f"adopted by {each.adopted_by}"
        typer.echo(
            f"{each.whose} {each.number}: taken up {in_england(each.taken_up_at):%-d %B %Y %H:%M}, in force from "
            f"{each.effective_from:%-d %B %Y}, {adopted}, sha256 {each.hash[:12]}"
        )


async def _read(authority: str | None) -> Sequence[Any]:
    from services.platform.runtime.settings import Settings
    from services.platform.store.story_clock import opened
    from services.protocol.editions.store import history

    async with opened(Settings(), "protocol") as store, store.read() as reader:
        return await reader.fetch(history(authority))
