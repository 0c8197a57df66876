"""Lists dead letters: `python -m services dead-letters`. Another try is given at the console, by somebody signed in."""

import typer


def dead_letters() -> None:
    """List messages that services could not process. The console's page *Dead letters* gives one another try."""
    from services.platform.bus import dead_letters as letters
    from services.platform.bus.connection import Connection
    from services.platform.runtime.settings import KafkaSettings

    found = letters.list_dead_letters(Connection(KafkaSettings()))
    for each in found:
        typer.echo(f"{each.id}\n  {each.explain()}")
    if not found:
        typer.echo("no dead letters")
