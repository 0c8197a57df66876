"""Checks what a command is given that acts in somebody's name, and says its refusals."""

import os
from typing import Annotated

import typer
from pydantic_core import PydanticCustomError

from services.platform.runtime.settings import require_tls

REASON_AT_MOST = 2000
WHO_ASKS = "The code that the console shows under *Your account*, to somebody who is signed in."
By = Annotated[str, typer.Option("--code", help=WHO_ASKS, prompt="Code", hide_input=True)]
"""In whose name a command acts."""


def require_text(said: str | None, needed: str) -> str:
    """Returns the text, stripped. Raises BadParameter if it is empty or too long; `needed` begins its sentence."""
    if said is None or not said.strip() or len(said) > REASON_AT_MOST:
        raise typer.BadParameter(f"{needed}, of at most {REASON_AT_MOST} characters")
    return said.strip()


def admin_database() -> str:
    """SAFE_RETURN_ADMIN_DATABASE. Raises Exit."""
    place = os.environ.get("SAFE_RETURN_ADMIN_DATABASE", "")
    if not place.startswith("postgresql://"):
        wrong = "is wrong" if place else "is missing"
        raise refuse(
            f"SAFE_RETURN_ADMIN_DATABASE {wrong}. It is the database as its administrator reaches it, "
            "such as postgresql://postgres:PASSWORD@127.0.0.1:5432/safe_return"
        )
    try:
        return require_tls(place)
    except PydanticCustomError:
        raise refuse("SAFE_RETURN_ADMIN_DATABASE is beyond this machine and not over verified TLS") from None


def refuse(why: str) -> typer.Exit:
    """Prints the refusal on standard error, and returns the exit (2) for the caller to raise."""
    typer.echo(why, err=True)
    return typer.Exit(2)
