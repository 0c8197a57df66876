"""Provides `python -m services audit`, which reads the record with the audit's own settings and secrets.

`replay` publishes recorded messages again, for a bus that has lost them: if Kafka and the database are both lost and
a copy of the database is restored, a message that one service had published and another had not yet consumed is only
on the record. Services that did consume a message ignore it, by its id. A dead letter is not recorded in full, and
is left out. So is a message of a kind that this version no longer has: no service would read it, and its topic is
not known.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from services.audit.policy.chain import subject_of
from services.platform.bus.connection import Connection
from services.safeguarding.contracts import contract_of
from services.safeguarding.duty.decisions import MessageDeadLettered

if TYPE_CHECKING:
    from services.audit.verification import Checkpoint, Verified

SINCE = text(
    "SELECT chain, kind, envelope FROM audit.entries WHERE recorded_at >= :since AND kind <> :letters "
    "ORDER BY recorded_at, chain, position"
)
ACKNOWLEDGED_WITHIN_SECONDS = 60


async def recorded_since(
    connection: AsyncConnection, since: datetime
) -> tuple[list[tuple[str, str, bytes]], Counter[str]]:
    """Child, topic and envelope of each message, in the order of the record; and what is left out, counted by kind."""
    recorded, gone = [], Counter[str]()
    for row in await connection.execute(SINCE, {"since": since, "letters": MessageDeadLettered.kind}):
        contract = contract_of(row.kind)
        if contract is None:
            gone[row.kind] += 1
        else:
            recorded.append((subject_of(row.chain), str(contract.topic), bytes(row.envelope)))
    return recorded, gone


def publish(connection: Connection, recorded: Iterable[tuple[str, str, bytes]]) -> int:
    """Returns how many, once Kafka has acknowledged them all."""
    producer = connection.plain_producer(acks="all", max_in_flight_requests_per_connection=1)
    try:
        sent = [producer.send(topic, value=raw, key=child.encode()) for child, topic, raw in recorded]
        for each in sent:
            each.get(timeout=ACKNOWLEDGED_WITHIN_SECONDS)
    finally:
        producer.close()
    return len(sent)


T = TypeVar("T")
SHA256 = re.compile(r"^[0-9a-f]{64}$")
BROKEN, UNKNOWN = 1, 2

audit = typer.Typer(no_args_is_help=True, help="The record of everything that happened, and whether it still holds.")


@audit.command()
def verify(
    named: Annotated[
        str | None, typer.Argument(metavar="[EPISODE|CHILD]", help="An episode's id or our reference, or a child's id.")
    ] = None,
    anchor: Annotated[
        str | None, typer.Option(help="An anchor's hash that was kept elsewhere: the record must still hold it.")
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option(
            help="A file that says how far the record was verified: start there, and write it anew. Not of one child."
        ),
    ] = None,
    from_start: Annotated[  # noqa: FBT002 typer's way
        bool, typer.Option("--from-start", help="Verify everything, and then write the checkpoint.")
    ] = False,
    anchors: Annotated[
        str | None, typer.Option(help="A folder or bucket where anchors are published: the record must hold each.")
    ] = None,
    signer: Annotated[
        list[str] | None, typer.Option(help="The public key that signed them. Left out: the audit's keys as set here.")
    ] = None,
) -> None:
    """Find every entry that was changed, removed, reordered or cut off; of one child, or of all. Exits with 1 if any
    was.

    From a checkpoint on, what lies before it is not read again: only its anchors are.
    """
    from services.audit.verification import Verified, chain_of, verify_all, verify_anchors, verify_chain, write

    if checkpoint is not None and named is not None:
        raise typer.BadParameter("a checkpoint is of the whole record, not of one chain", param_hint="--checkpoint")
    since = None if checkpoint is None or from_start else _read(checkpoint)
    if anchor is not None and not SHA256.match(anchor):
        raise typer.BadParameter("an anchor's hash has 64 hexadecimal digits in lower case", param_hint="--anchor")

    published, unsound = ({}, []) if anchors is None else _published(anchors, signer)
    lost = f"no anchor has the hash {anchor}: the record is older than that anchor, or was rewritten since"
    witnesses = published if anchor is None else published | {anchor: lost}

    async def look(connection: "AsyncConnection") -> "Verified | None":
        if named is None:
            return await verify_all(connection, witnesses=witnesses, checkpoint=since)
        found = await chain_of(connection, named)
        if found is None:
            return None
        into = Verified()
        await verify_chain(connection, found[0], into)
        await verify_anchors(connection, into, witnesses=witnesses)
        return into

    verified = _ask(look)
    if verified is None:
        raise _nothing_known_of(str(named))
    verified.add(unsound)
    _report(verified, "" if since is None else f" since anchor {since.anchor}")
    if checkpoint is not None and verified.newest is not None:
        write(checkpoint, verified.newest)


def _read(file: Path) -> "Checkpoint | None":
    from services.audit.verification import NoCheckpoint, read

    try:
        return read(file)
    except NoCheckpoint as error:
        raise typer.BadParameter(str(error), param_hint="--checkpoint") from error


def _published(place: str, signers: list[str] | None) -> tuple[dict[str, str], list[str]]:
    from pydantic import TypeAdapter, ValidationError

    from services.audit.verification import witnesses_in
    from services.platform.runtime.places import Place, PlaceAway, open_place
    from services.platform.runtime.settings import SigningKeys

    known = signers or [line.split()[1] for line in SigningKeys().all_keys.splitlines() if line.startswith("audit ")]
    try:
        return witnesses_in(open_place(TypeAdapter(Place).validate_python(place)), known)
    except (PlaceAway, ValidationError) as error:
        raise typer.BadParameter(f"{place}: {error}", param_hint="--anchors") from error


def _report(verified: "Verified", since: str) -> None:
    """Says what was found. Raises typer's Exit for a record that does not hold."""
    for fault in verified.faults:
        typer.echo(fault, err=True)
    counted = f"{verified.chains} chains, {verified.entries} entries, {verified.anchors} anchors"
    if verified.faults:
        typer.echo(f"the record does not hold: {verified.faulty} faults in {counted}", err=True)
        raise typer.Exit(BROKEN)
    typer.echo(f"the record holds{since}: {counted}")
    if verified.removed:
        typer.echo(f"{verified.removed} chains of exercises were removed by retention, and their heads hold")


@audit.command()
def pack(
    episode: Annotated[
        str, typer.Argument(help="The episode's id or our reference, or the child's id: then its latest episode.")
    ],
    folder: Annotated[Path, typer.Option(help="Where the two files go.")] = Path(),
) -> None:
    """Write the evidence of an episode: a JSON file, and the same as a page to read or print."""
    from services.audit import store
    from services.audit.evidence_pack import Pack, build_pack
    from services.audit.verification import chain_of
    from services.platform.runtime.clocks import Clocks

    async def look(connection: "AsyncConnection") -> Pack | None:
        found = await chain_of(connection, episode)
        if found is None:
            return None
        chain, name = found
        name = name or await store.latest_episode(connection, chain)
        return None if name is None else await build_pack(connection, chain, name, Clocks().wall())

    made = _ask(look)
    if made is None:
        raise _nothing_known_of(episode)
    folder.mkdir(parents=True, exist_ok=True)
    for ending, content in (("json", made.as_json()), ("html", made.as_page())):
        file = folder / f"evidence-{made.code}.{ending}"
        file.write_text(content, encoding="utf-8")
        typer.echo(file)
    if made.faults:
        typer.echo(f"the record does not hold: {made.faults[0]}", err=True)
        raise typer.Exit(BROKEN)


@audit.command()
def gaps() -> None:
    """List what should have happened and has not, of the last thirty days. Exits with 1 if there is any."""
    from services.audit.policy.consequences import SENTENCES
    from services.audit.reconciler import FIRST_LOOK, Found, find_gaps, in_order
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.story_clock import set_by

    async def look(connection: "AsyncConnection") -> frozenset[Found]:
        clocks = Clocks()
        await set_by(connection, clocks)
        wall = clocks.wall()
        since = wall - FIRST_LOOK
        return await find_gaps(connection, wall=wall, story=clocks.story(), since=since)

    found = _ask(look)
    for each in in_order(found):
        typer.echo(
            f"{each.gap}  since {each.since:%Y-%m-%d %H:%M:%S %Z}  {each.chain}\n  {SENTENCES[each.gap]}: {each.what}"
        )
    if found:
        raise typer.Exit(BROKEN)
    typer.echo("everything that should have happened by now has happened")


@audit.command()
def anchor() -> None:
    """Print the newest anchor, to be kept where no administrator of the database can change it."""
    from services.audit import store
    from services.audit.policy.chain import moment

    newest = _ask(store.newest_anchor)
    if newest is None:
        typer.echo("there is no anchor yet: one is made a minute after the first entry", err=True)
        raise typer.Exit(UNKNOWN)
    typer.echo(f"{newest.number} {moment(newest.made_at)} {newest.hash.hex()}")


@audit.command()
def replay(since: Annotated[str, typer.Argument(help="A moment such as 2026-11-24T22:00:00Z.")]) -> None:
    """Publish the messages recorded since, after a copy was restored beside an empty bus."""
    from services.platform.bus.connection import Connection
    from services.platform.runtime.settings import KafkaSettings

    at = aware(since)
    recorded, gone = _ask(lambda connection: recorded_since(connection, at))
    for kind, count in gone.items():
        typer.echo(f"left out, since this version no longer has the kind: {count} of {kind}", err=True)
    typer.echo(f"{publish(Connection(KafkaSettings()), recorded)} messages are on the bus again")


def aware(moment: str) -> datetime:
    """Raises typer's BadParameter for a text that is not a moment with its zone."""
    with contextlib.suppress(ValueError):
        at = datetime.fromisoformat(moment)
        if at.tzinfo is not None:
            return at
    raise typer.BadParameter(f"{moment} is no moment with its zone, such as 2026-11-24T22:00:00Z")


def _nothing_known_of(named: str) -> typer.Exit:
    by = "It goes by our reference for an episode, as the console shows it, not by a child's code"
    typer.echo(f"the record knows no episode and no child {named}. {by}", err=True)
    return typer.Exit(UNKNOWN)


def _ask(look: "Callable[[AsyncConnection], Awaitable[T]]") -> T:
    from services.audit.verification import one_moment
    from services.platform.runtime.settings import Settings
    from services.platform.store.engine import connect

    async def within() -> T:
        engine = connect(Settings(), "audit", for_command=True)
        try:
            async with one_moment(engine) as connection:
                return await look(connection)
        finally:
            await engine.dispose()

    return asyncio.run(within())
