"""Lists dead letters and gives them another try: `python -m services dead-letters`.

Listing needs Kafka alone; another try needs the console's settings and database.
"""

import asyncio
from typing import TYPE_CHECKING, Annotated

import typer

from services.platform.runtime.commands import WHO_ASKS, refuse, require_text

if TYPE_CHECKING:
    from services.platform.bus.connection import Connection
    from services.platform.bus.dead_letters import DeadLetter

Redrive = Annotated[str | None, typer.Option(help="The id of the dead letter to publish again, or 'all'.")]
By = Annotated[str | None, typer.Option("--as", help=WHO_ASKS)]
Reason = Annotated[str | None, typer.Option(help="Why; kept on the record.")]
NOBODY = "no open account of that name may give a dead letter another try; an operator's or a duty manager's, of every authority, may"
REFUSED = "the database does not let this in: --redrive runs as the console, `docker compose run --rm --no-deps console dead-letters ...`"


def dead_letters(redrive: Redrive = None, by: By = None, reason: Reason = None) -> None:
    """List messages that services could not process. --redrive, --as and --reason publish one again, on the record."""
    from services.platform.bus import dead_letters as letters
    from services.platform.bus.connection import Connection
    from services.platform.runtime.settings import KafkaSettings

    if redrive is not None:
        by, reason = require_text(by, "--redrive needs --as"), require_text(reason, "--redrive needs --reason")
    connection = Connection(KafkaSettings())
    found = letters.list_dead_letters(connection)
    if redrive is None or by is None or reason is None:
        for each in found:
            typer.echo(f"{each.id}\n  {each.explain()}")
        if not found:
            typer.echo("no dead letters")
        return
    chosen = [each for each in found if redrive in {each.id, "all"}]
    if not chosen:
        raise refuse(f"no dead letter has the id {redrive}" if redrive != "all" else "no dead letters")
    if not asyncio.run(_redrive(chosen, connection, by, reason)):
        raise typer.Exit(1)


async def _redrive(chosen: "list[DeadLetter]", connection: "Connection", sign_in: str, reason: str) -> bool:
    """False if the bus no longer keeps one of them: it is named, and the others are still published."""
    from sqlalchemy.exc import DBAPIError

    from services.console.accounts.repository import account_by_sign_in
    from services.console.acts.redrive import DeadLetterRedrive
    from services.console.policy.permits import May
    from services.platform.delivery.settings.keys import KeySettings
    from services.platform.runtime.clocks import Clocks
    from services.platform.store.engine import connect
    from services.platform.store.story_time import story_clock
    from services.platform.store.unit_of_work import Origin, Store

    settings = KeySettings()
    clocks = Clocks()
    store, all_went = Store(connect(settings, "console"), origin=Origin("console", clocks)), True
    try:
        async with store.transaction() as uow:
            account = await uow.fetch(account_by_sign_in(sign_in))
            clocks.move_to(await story_clock.ahead_by(uow.connection))
        operator = None if account is None or account.disabled_at is not None else account.operator
        if operator is None or not operator.may(May.SEND_AGAIN) or not operator.sees(None):
            raise refuse(NOBODY)
        service = DeadLetterRedrive(store, clocks, settings.keyring, connection)
        for each in chosen:
            try:
                typer.echo(f"{each.id} goes to {await service.redrive_found(operator, each, reason)} again")
            except LookupError as gone:
                typer.echo(f"{each.id} does not go: {gone}", err=True)
                all_went = False
    except DBAPIError:
        raise refuse(REFUSED) from None
    finally:
        await store.close()
    return all_went
