"""Provides `python -m services police`: sends notices again, tests a force's connection. The service sends them."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

from services.platform.runtime.commands import By, refuse, require_text

Reason = Annotated[str, typer.Option(help="Why; kept on the record.", prompt=True)]
A_REASON = "a reason is needed"
NOBODY = (
    "the code is wrong or too old, or its owner may not send notices again: a duty manager or an operator may."
    " Show a new code at the console, under Your account"
)
HELD = "one of these notices is being changed at this moment: none goes again. Ask again in a minute"

police = typer.Typer(no_args_is_help=True, help="Notices to forces: send them again, try a connection.")


@police.command()
def replay(
    by: By,
    reason: Reason,
    notice: Annotated[UUID | None, typer.Option(help="This notice alone.")] = None,
    force: Annotated[str | None, typer.Option(help="All that were sent to this force.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Put at or after this time, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Put before this time, UTC.")] = None,
) -> None:
    """Send notices again, one or all of a force or a range of them: the same bytes, the same ids, fresh signatures."""
    from psycopg.errors import LockNotAvailable

    from services.platform.delivery.queue.repository import Chosen
    from services.police.notices.sender import NobodyMay, lane_of, replay_notices

    if (notice is None) == (force is None):
        raise typer.BadParameter("name one --notice, or a --force")
    lane = None if force is None else lane_of(force)
    chosen = Chosen(notice, lane, _utc(since), _utc(until))
    try:
        count = asyncio.run(replay_notices(chosen, by, require_text(reason, A_REASON)))
    except NobodyMay:
        raise refuse(NOBODY) from None
    except LockNotAvailable:
        raise refuse(HELD) from None
    if not count:
        raise refuse("no notice that was sent fits")
    typer.echo(f"{count} {'goes' if count == 1 else 'go'} again, under the same ids")


@police.command("test")
def try_connection(
    force: str,
    by: By,
    reason: Reason,
    change: Annotated[UUID | None, typer.Option(help="Try this proposed change: its address and its keys.")] = None,
) -> None:
    """Send FORCE a notice about nobody, as every notice is sent, and say what its system answered."""
    from services.police.notices.sender import NobodyMay, send_connection_test

    try:
        good, said = asyncio.run(send_connection_test(force, by, require_text(reason, A_REASON), change))
    except NobodyMay:
        raise refuse(NOBODY) from None
    typer.echo(said)
    if not good:
        raise typer.Exit(1)


def _utc(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=UTC)
