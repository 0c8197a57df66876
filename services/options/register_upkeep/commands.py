"""Provides `python -m services register` (who may import, what was imported, its undoing) and `organisations` (forces
and agencies as they are known, and changes of a force).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar
from uuid import UUID

import typer
from pydantic import ValidationError

from services.platform.runtime.commands import By, refuse

if TYPE_CHECKING:
    from services.options.register_upkeep.credentials import Credential
    from services.options.register_upkeep.monitor import End
    from services.options.register_upkeep.organisations import OrganisationChanges
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.unit_of_work import UnitOfWork

T = TypeVar("T")
LISTED = 20
NOT_THEIRS = "the code is wrong or too old, or its owner does not see this authority"
Authority = Annotated[str, typer.Argument(help="The authority's id.")]

register = typer.Typer(no_args_is_help=True, help="Who may import an authority's register, and what they imported.")
credentials = typer.Typer(no_args_is_help=True, help="What an authority's systems import with: make, list, withdraw.")
imports = typer.Typer(no_args_is_help=True, help="What was imported: list it, undo it.")
register.add_typer(credentials, name="credentials")
register.add_typer(imports, name="imports")


@credentials.command()
def add(
    authority: Authority,
    tables: Annotated[str, typer.Option(help="The tables that it may write, separated by commas, or all.")],
    by: By,
    days: Annotated[int, typer.Option(help="How many days it lasts.", min=1, max=730)] = 365,
    issuer: Annotated[str | None, typer.Option(help="The JWTs' issuer (`iss`). Without it a token is made.")] = None,
    client: Annotated[str | None, typer.Option(help="The client's id (`sub`).")] = None,
    audience: Annotated[str, typer.Option(help="Whom the JWTs are for (`aud`).")] = "safe-return-register",
    jwks_url: Annotated[str | None, typer.Option(help="Where the issuer publishes its keys.")] = None,
) -> None:
    """Make a token, which is printed once; or accept a client's JWTs, with --issuer, --client and --jwks-url."""
    from services.options.register_upkeep.credentials import WRITABLE, Credential
    from services.platform.delivery.channels.webhook import ForbiddenDestination, require_permitted_url
    from services.platform.register.operators import add_credential, has_left, new_token
    from services.platform.store.query import EVERY
    from services.safeguarding.identifiers import new_id

    if authority == EVERY:
        raise refuse("an authority is needed: no credential is every authority's")
    named = WRITABLE if tables == "all" else [each.strip() for each in tables.split(",")]
    if unknown := sorted(set(named) - set(WRITABLE)):
        raise refuse(f"no such table: {', '.join(unknown)}. The tables are {', '.join(WRITABLE)}")
    if len({issuer is None, client is None, jwks_url is None}) > 1:
        raise refuse("for a client give --issuer, --client and --jwks-url; for a token give none of them")
    if jwks_url is not None:
        try:
            require_permitted_url(jwks_url, sandbox=False)
        except ForbiddenDestination as error:
            raise refuse(f"--jwks-url: {error}") from None
    token = new_token() if issuer is None else None

    async def keep(uow: "UnitOfWork", clocks: "Clocks") -> "Credential":
        now = clocks.wall()
        credential = Credential(
            id=new_id("credential"),
            authority=authority,
            tables=frozenset(named),
            expires_at=now + timedelta(days=days),
            issuer=issuer,
            client=client,
            audience=None if issuer is None else audience,
            jwks_url=jwks_url,
        )
        if await uow.fetch(has_left(authority)):
            raise refuse(f"authority {authority} has left, and its id ends its record: enter it under another id")
        if not await uow.fetch(add_credential(asdict(credential), token, now)):
            raise refuse("this client has a credential already: withdraw that first")
        await _record(uow, by, now, "credential-made", authority, credential.id)
        return credential

    credential = _do(keep)
    typer.echo(f"{credential.id} imports for {authority} until {credential.expires_at:%Y-%m-%d}")
    if token is not None:
        typer.echo(f"token: {token}")


@credentials.command("list")
def list_credentials() -> None:
    """Every credential, one a line: id, authority, kind, end, tables."""
    from services.options.register_upkeep.credentials import all_credentials

    async def read(uow: "UnitOfWork", clocks: "Clocks") -> "tuple[list[Credential], datetime]":
        return await uow.fetch(all_credentials()), clocks.wall()

    known, now = _do(read)
    for each in known:
        kind = "token" if each.client is None else f"client {each.client}"
        ends = f"until {each.expires_at:%Y-%m-%d}" if each.holds(now) else "no longer valid"
        typer.echo(f"{each.id}  {each.authority}  {kind}  {ends}  {', '.join(sorted(each.tables))}")


@credentials.command()
def withdraw(credential: str, by: By) -> None:
    """End a credential at once."""
    from services.platform.register.operators import withdraw_credential

    async def end(uow: "UnitOfWork", clocks: "Clocks") -> None:
        now = clocks.wall()
        authority = await uow.fetch(withdraw_credential(credential, now))
        if authority is None:
            raise refuse("no such credential, or it was withdrawn already: see `register credentials list`")
        await _record(uow, by, now, "credential-withdrawn", authority, credential)

    _do(end)
    typer.echo(f"{credential} can import nothing any more")


@imports.command("list")
def list_imports(authority: Authority) -> None:
    """The last imports, the newest first: id, time, actor, tables, how many rows it changed, the file's SHA-256."""
    from services.options.register_upkeep.history import last_imports

    for each in _do(lambda uow, _: uow.fetch(last_imports(authority, LISTED))):
        what = f"undoes {each.undoes}" if each.undoes else f"{', '.join(each.tables)}  {each.sha256}"
        undone = f"  undone by {each.undone_by}" if each.undone_by else ""
        typer.echo(f"{each.id}  {each.at:%Y-%m-%d %H:%M %Z}  {each.actor}  {each.changed} rows  {what}{undone}")


@imports.command()
def undo(
    imported: UUID,
    by: By,
    *,
    leave: Annotated[bool, typer.Option("--leave-changed", help="Leave rows that were changed since.")] = False,
) -> None:
    """Put back what an import changed. If rows were changed since, it refuses and says by which import."""
    from services.options.register_upkeep.history import CannotUndo, undo_by_code

    try:
        undone = _do(lambda uow, clocks: undo_by_code(uow, imported, by, clocks.wall(), leave=leave))
    except CannotUndo as error:
        raise refuse(str(error)) from None
    typer.echo(f"undone by {undone}")


@register.command()
def keep(
    authority: Authority,
    record: Annotated[str, typer.Argument(help="As docs/records-of-processing.md names it, such as texts-in.")],
    days: Annotated[int, typer.Argument(help="For how many days from its beginning.")],
    by: By,
) -> None:
    """Keep AUTHORITY's RECORD for DAYS. An import may lengthen that, and never shorten it."""
    from services.options.register_upkeep.history import ImportSource, begin_import, keep_import, set_period
    from services.options.register_upkeep.importer import period_faults
    from services.platform.register.directory import lock_register
    from services.platform.register.operators import operator_by_code

    if faults := period_faults({record: days}):
        raise refuse("; ".join(faults))

    async def change(uow: "UnitOfWork", clocks: "Clocks") -> None:
        operator = await uow.fetch(operator_by_code(by, clocks.wall()))
        if operator is None or not operator.sees(authority):
            raise refuse(NOT_THEIRS)
        await lock_register(uow, authority)
        imported = await begin_import(uow)
        if not await uow.fetch(set_period(authority, record, days)):
            raise refuse(f"the register holds no authority {authority}")
        await keep_import(uow, imported, authority, ImportSource(operator.account), clocks.story())

    _do(change)
    typer.echo(f"{authority} keeps {record} for {days} days")


Files = Annotated[list[Path], typer.Argument(help="The council's own files, as CSV.", exists=True)]
MappingFile = Annotated[str, typer.Option("--mapping", help="A mapping's file, or ssd.")]
Door = Annotated[str, typer.Option(help="Where casework is.")]
Token = Annotated[str, typer.Option(help="A credential's.", prompt=True, hide_input=True, envvar="REGISTER_TOKEN")]


Confirmed = Annotated[str | None, typer.Option("--confirm", help="The SHA-256 that a held import named: it is meant.")]


@register.command("try")
def try_files(authority: Authority, files: Files, mapping: MappingFile, url: Door, token: Token) -> None:
    """Say what an import of these files would change, and which rows are wrong. Nothing is changed."""
    _send(f"{url}/register/{authority}/files?try=yes", files, mapping, token)


@register.command("import")
def import_files(
    authority: Authority, files: Files, mapping: MappingFile, url: Door, token: Token, confirm: Confirmed = None
) -> None:
    """Import these files, all of them or nothing."""
    _send(f"{url}/register/{authority}/files{f'?confirm={confirm}' if confirm else ''}", files, mapping, token)


def _send(url: str, files: list[Path], mapping: str, token: str) -> None:
    """Prints the answer. Exits with 2 if it is a refusal."""
    import httpx

    parts = [("file", (each.name, each.read_bytes(), "text/csv")) for each in files]
    said = Path(mapping).read_text() if Path(mapping).exists() else mapping
    bearer = {"authorization": f"Bearer {token}"}
    answer = httpx.post(url, data={"mapping": said}, files=parts, headers=bearer, timeout=60)
    if answer.is_error:
        raise refuse(answer.text)
    typer.echo(answer.text)


async def _record(uow: "UnitOfWork", code: str, now: datetime, step: str, authority: str, credential: str) -> None:
    """Raises Exit, and so changes nothing, for a code of nobody who may do this."""
    from services.platform.register.operators import operator_by_code, record_change_of_authority

    operator = await uow.fetch(operator_by_code(code, now))
    if operator is None or not operator.sees(authority):
        raise refuse(NOT_THEIRS)
    record_change_of_authority(uow, authority, step, operator.account, credential)


def _do(act: "Callable[[UnitOfWork, Clocks], Awaitable[T]]") -> T:
    from services.platform.runtime.clocks import Clocks
    from services.platform.runtime.settings import Settings
    from services.platform.store.story_clock import opened

    async def within() -> T:
        clocks = Clocks()
        async with opened(Settings(), "casework", clocks) as store, store.transaction() as uow:
            return await act(uow, clocks)

    return asyncio.run(within())


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
    from services.options.register_upkeep.organisations import put_organisations
    from services.options.register_upkeep.policy.organisations import Organisations
    from services.platform.delivery.channels.webhook import ForbiddenDestination, require_permitted_url
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
    from services.options.register_upkeep.policy.organisations import fingerprint_of

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
    from services.options.register_upkeep import organisations as store
    from services.platform.store.disposal import BUSY, Hindrance

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
        typer.echo(
            "destroyed. A copy of the database from before must not come back without it: see docs/operating-authorities.md"
        )


@organisations.command("ends")
def list_ends() -> None:
    """What ends on a day of its own, and when: import credentials, sharing agreements, our certificates at forces."""
    from services.options.register_upkeep.monitor import find_ends
    from services.platform.delivery.settings.keys import KeySettings
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.story_clock import opened

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
    from services.options.register_upkeep.organisations import CannotChange, changes_by_code
    from services.platform.delivery.settings.keys import KeySettings
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.story_clock import opened

    settings, clocks = KeySettings(), Clocks()
    try:
        async with opened(settings, "casework", clocks) as store, store.transaction() as uow:
            changes = await changes_by_code(uow, settings.keyring, code, clocks.wall())
            if changes is None:
                raise refuse(NOBODY)
            yield changes
    except CannotChange as cannot:
        raise refuse(str(cannot)) from None
