"""Provides `python -m services organisations`: forces and agencies as they are known, and changes of a force."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer
from pydantic import ValidationError

from services.platform.runtime.commands import By, refuse

if TYPE_CHECKING:
    from services.casework.ends import End
    from services.casework.organisations.changes import OrganisationChanges

NOBODY = (
    "the code is wrong or too old, or its owner may not do this: a duty manager or an operator of every authority may."
    " Show a new code at the console, under Your account"
)

HINDERED = {
    "gone": "no key is kept for",
    "second": "a second person has to give this command",
    "hold": "its records are held",
    "episode": "a search is open:",
    "duty": "somebody still owes",
    "discussion": "a strategy discussion is planned:",
    "busy": "somebody is changing one of its records at this moment; give the command again in a minute",
}
organisations = typer.Typer(
    no_args_is_help=True, help="Forces and agencies: enter them, change how a force is reached."
)


@organisations.command()
def put(file: Path, by: By) -> None:
    """Enter the forces and agencies of FILE (JSON). What changes of a known one is only proposed."""
    from services.casework.organisations.repository import put_organisations
    from services.casework.policy.organisations import Organisations
    from services.platform.delivery.channels.http.ssrf_guard import ForbiddenDestination, require_permitted_url
    from services.platform.delivery.settings.keys import KeySettings

    try:
        given = Organisations.model_validate_json(file.read_bytes())
        for force in given.forces:
            urls = [force.notice_url, None if force.oauth is None else force.oauth.token_url]
            for url in filter(None, urls):
                require_permitted_url(url, sandbox=KeySettings().sandbox)
    except ForbiddenDestination as error:
        raise refuse(f"notice_url, token_url: an HTTPS URL with a public address is needed: {error}") from None
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False, include_context=False):
            typer.echo(f"{'.'.join(map(str, each['loc']))}: {each['msg']}", err=True)
        raise refuse("nothing was changed: correct these and put the file again") from None

    async def act() -> dict[str, UUID]:
        async with acting(by) as changes:
            return await put_organisations(changes.uow, changes.keyring, given, changes.by, changes.now)

    proposed = asyncio.run(act())
    typer.echo(json.dumps({force: str(version) for force, version in proposed.items()}))
    for name, version in proposed.items():
        typer.echo(f"{name} is proposed: a second person approves {version}", err=True)
        if name in {each.id for each in given.forces}:
            typer.echo(f"before that: services police test {name} --change {version}", err=True)


@organisations.command()
def approve(
    change: UUID,
    by: By,
    at: Annotated[datetime | None, typer.Option(help="When it takes effect, UTC. Left out: now.")] = None,
) -> None:
    """Show CHANGE, which somebody else proposed, and approve it. A force's address has taken a connection test."""
    from services.casework.policy.organisations import fingerprint_of

    async def look(shown: str | None = None) -> tuple[list[str], datetime]:
        async with acting(by) as changes:
            effective = None if at is None else at.replace(tzinfo=changes.now.tzinfo)
            return await changes.approve(change, effective, shown=shown)

    lines, _ = asyncio.run(look())
    typer.echo("\n".join(lines))
    typer.confirm("Approve this? Keys and certificates are shown by their fingerprints", abort=True)
    _, effective = asyncio.run(look(fingerprint_of(lines)))
    typer.echo(f"approved; in force from {effective:%Y-%m-%d %H:%M} UTC. A force's old keys count for a day after that")


@organisations.command("take-back")
def take_back(change: UUID, by: By) -> None:
    """Take CHANGE back: the version before it holds again, and the keys of CHANGE end. Of one that was approved, the
    first person asks, and a second one does it.
    """

    async def act() -> bool:
        async with acting(by) as changes:
            return await changes.take_back(change)

    typer.echo("taken back" if asyncio.run(act()) else "asked for: a second person gives the same command")


@organisations.command("destroy-key")
def destroy_key(
    authority: str,
    by: By,
    again: Annotated[str, typer.Option("--again", help="The authority once more.", prompt="The authority once more")],
) -> None:
    """Destroy AUTHORITY's key: names, addresses, numbers, words and messages of its people can never be read again, and
    what they texted is deleted. The first person asks, and a second one does it. Run renew-keys casework before.
    """
    from services.casework.organisations import repository as store
    from services.platform.store.disposal.erasures import BUSY, Hindrance

    if again != authority:
        raise refuse("nothing was destroyed: these are two names")

    async def act() -> list[Hindrance] | None:
        async with acting(by) as changes:
            return await store.destroy_key(changes.uow, authority, changes.by, changes.now)

    try:
        hindered = asyncio.run(act())
    except BUSY:
        hindered = [Hindrance("busy", None)]
    if hindered is None:
        typer.echo("asked for: a second person gives the same command")
    elif hindered:
        why = sorted({f"{HINDERED[each.what]} {each.named or ''}".strip() for each in hindered})
        raise refuse(f"nothing was destroyed: {', '.join(why)}")
    else:
        typer.echo("destroyed. A copy of the database from before must not come back without it: see docs/operating.md")


@organisations.command("ends")
def list_ends() -> None:
    """What ends on a day of its own, and when: import credentials, sharing agreements, our certificates at forces."""
    from services.casework.ends import find_ends
    from services.platform.delivery.settings.keys import KeySettings
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.story_time.command_store import opened

    settings, clocks = KeySettings(), Clocks()

    async def look() -> "list[End]":
        async with opened(settings, "casework", clocks) as store, store.read() as reader:
            return await find_ends(reader, settings.keyring, clocks.wall())

    for each in asyncio.run(look()):
        day = "unreadable" if each.at is None else f"{each.at:%Y-%m-%d}"
        typer.echo(f"{day}  {each.what}  {each.whose}")


@organisations.command("make-key")
def make_key() -> None:
    """Make an Ed25519 key: `whsk_` signs and stays with whoever signs, `whpk_` goes to the other side."""
    from services.platform.delivery.webhook_signature import generate_key

    typer.echo("\n".join(generate_key()))


@asynccontextmanager
async def acting(code: str) -> AsyncIterator["OrganisationChanges"]:
    """A transaction in somebody's name. Raises Exit."""
    from services.casework.organisations.changes import CannotChange, changes_by_code
    from services.platform.delivery.settings.keys import KeySettings
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.story_time.command_store import opened

    settings, clocks = KeySettings(), Clocks()
    try:
        async with opened(settings, "casework", clocks) as store, store.transaction() as uow:
            changes = await changes_by_code(uow, settings.keyring, code, clocks.wall())
            if changes is None:
                raise refuse(NOBODY)
            yield changes
    except CannotChange as cannot:
        raise refuse(str(cannot)) from None
