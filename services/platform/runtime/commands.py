"""What commands have in common that act under somebody's name: what must be given, and how a refusal is said."""

import typer

REASON_AT_MOST = 2000
WHO_ASKS = "Who asks: the name with which they sign in at the console."


def given(said: str | None, needed: str) -> str:
    """Without blanks around it. Raises BadParameter where there is nothing, or too much: `needed` begins the sentence."""
    if said is None or not said.strip() or len(said) > REASON_AT_MOST:
        raise typer.BadParameter(f"{needed}, of at most {REASON_AT_MOST} characters")
    return said.strip()


def refused(why: str) -> typer.Exit:
    """To be raised: said on standard error, exit 2."""
    typer.echo(why, err=True)
    return typer.Exit(2)
