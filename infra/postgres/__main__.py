"""Keeps the database elsewhere and restores it: `python -m infra.postgres {keep | signer | restore | drill}`."""

import signal
import threading
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from prometheus_client import CollectorRegistry, start_http_server
from pydantic import TypeAdapter, ValidationError

from infra.postgres import place
from infra.postgres.archive.drill import drill as practise
from infra.postgres.archive.keeper import Keeper
from infra.postgres.archive.metrics import Gauges
from infra.postgres.archive.plan import read_plan
from infra.postgres.archive.restoration import Restored
from infra.postgres.archive.restoration import restore as restore_to
from infra.postgres.archive.vault import CannotRestore, Reader, Writer
from infra.postgres.backup import CannotBackUp, Tools
from infra.postgres.place import NoPlace
from infra.postgres.place import Place as PostgresPlace
from services.audit.commands import aware
from services.platform.runtime import logs
from services.platform.runtime.places import Place, PlaceAway, open_place, public_key
from services.platform.runtime.places import signer as signer_of

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__)
Key = Annotated[Path, typer.Option(envvar="SAFE_RETURN_BACKUP_KEY", help="The file with the key that signs.")]
From = Annotated[str, typer.Option("--from", help="The folder (file:///...) or bucket (s3://...).")]
Identity = Annotated[Path, typer.Option(help="The file with an age identity to which it was sealed.")]
Signer = Annotated[str, typer.Option(help="The public key of the installation, as `signer` prints it.")]


@app.command()
def keep(
    key: Key,
    plan: Annotated[Path, typer.Option(envvar="SAFE_RETURN_BACKUP_PLAN")],
    work: Annotated[Path, typer.Option(envvar="SAFE_RETURN_BACKUP_WORK")],
    port: Annotated[int, typer.Option(envvar="SAFE_RETURN_HTTP_PORT")] = 8080,
    host: Annotated[str, typer.Option(envvar="SAFE_RETURN_HTTP_HOST")] = "127.0.0.1",
) -> None:
    """Receive the WAL and put it elsewhere, until told to stop. libpq's settings (PGHOST, ...) name the database."""
    logs.configure("backups", None)
    told = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: told.set())
    try:
        planned = read_plan(plan)
        work.mkdir(parents=True, exist_ok=True, mode=0o700)
        writer = Writer(open_place(planned.place), planned.recipients, signer_of(key.read_text()), work)
        tools = Tools(folder=f"{place.binaries()}/")  # and libpq's settings say where the database is
    except (CannotBackUp, PlaceAway, NoPlace, OSError) as why:
        raise _refused(str(why)) from None
    registry = CollectorRegistry()
    keeper = Keeper(planned, writer, tools, Gauges(registry))
    start_http_server(port, host, registry)
    keeper.run(told)


@app.command()
def signer(key: Key) -> None:
    """Print the public key that proves a copy to be ours. Keep it on paper."""
    typer.echo(public_key(signer_of(key.read_text())))


@app.command()
def restore(
    from_: From,
    identity: Identity,
    signer: Signer,
    to: Annotated[Path, typer.Option(help="The folder of its files, which must not be there yet.")],
    at: Annotated[
        str | None, typer.Option(help="A moment, such as 2026-11-27T12:00:00Z. Left out: all there is.")
    ] = None,
) -> None:
    """Restore the database as it was at a moment. It lies in the folder afterwards, stopped."""
    restore_into(replace(place.find(to), files=to), from_, identity, signer, at)


def restore_into(where: PostgresPlace, from_: str, identity: Path, signer: str, at: str | None) -> Restored:
    """As the command does. Raises typer's Exit with a sentence."""
    try:
        restored = restore_to(_reader(from_, identity, signer), where, None if at is None else aware(at))
    except typer.BadParameter as why:
        raise _refused(why.message) from None
    except (CannotRestore, NoPlace) as why:
        raise _refused(str(why)) from None
    _say(restored)
    typer.echo(f"It lies in {where.files}. What to do next: docs/operating-disaster.md, *Restore to a moment*")
    return restored


@app.command()
def drill(
    from_: From,
    identity: Identity,
    signer: Signer,
    aside: Annotated[Path, typer.Option(help="A folder with room for the database, which is removed.")],
) -> None:
    """Restore the newest copy aside, read every row and verify the record. Say how long it took, also in the place."""
    try:
        restored, record = practise(_reader(from_, identity, signer), aside)
    except (CannotRestore, PlaceAway, NoPlace) as why:
        raise _refused(f"the drill failed: {why}", 1) from None
    _say(restored)
    typer.echo(f"The record holds: {record.entries} entries")


def _reader(from_: str, identity: Path, signer: str) -> Reader:
    try:
        return Reader(open_place(TypeAdapter(Place).validate_python(from_)), identity.read_text(), signer)
    except (OSError, PlaceAway, ValidationError) as error:
        raise _refused(str(error)) from None


def _say(restored: Restored) -> None:
    newest = f"its last commit is of {restored.last} UTC" if restored.last else "no commit followed the base backup"
    typer.echo(
        f"Restored from the base backup of {restored.base.at:%Y-%m-%d %H:%M:%S} UTC and {restored.segments} files of WAL in"
        f" {restored.seconds:.1f} s: {restored.bytes / 1e6:.0f} MB; {newest}"
    )


def _refused(why: str, code: int = 2) -> typer.Exit:
    """Prints why, and returns the exit for the caller to raise."""
    typer.echo(why, err=True)
    return typer.Exit(code)


if __name__ == "__main__":
    app()
