"""`python -m services police`: sends notices again, and tries a force's connection. The running service does the sending."""

import asyncio
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import typer

police = typer.Typer(no_args_is_help=True, help="Notices to forces: send them again, try a connection.")


@police.command("replay")
def replay_notices(
    notice: Annotated[UUID | None, typer.Option(help="This notice alone.")] = None,
    force: Annotated[str | None, typer.Option(help="All that were sent to this force.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Put at or after this time, UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Put before this time, UTC.")] = None,
) -> None:
    """Send notices again, one or all of a force or a range of them: the same bytes, the same ids, fresh signatures."""
    from services.delivery.replay import Chosen
    from services.police.sending import lane_of
    from services.police.trying import replayed

    if (notice is None) == (force is None):
        raise typer.BadParameter("name one --notice, or a --force")
    lane = None if force is None else lane_of(force)
    count = asyncio.run(replayed(Chosen(notice, lane, _utc(since), _utc(until))))
    if not count:
        typer.echo("no notice that was sent fits", err=True)
        raise typer.Exit(2)
    typer.echo(f"{count} {'goes' if count == 1 else 'go'} again, under the same ids")


@police.command("test")
def try_connection(force: str) -> None:
    """Send FORCE a notice about nobody, as every notice is sent, and say what its system answered."""
    from services.police.trying import tried

    good, said = asyncio.run(tried(force))
    typer.echo(said)
    if not good:
        raise typer.Exit(1)


def _utc(given: datetime | None) -> datetime | None:
    return None if given is None else given.replace(tzinfo=UTC)
