"""Checks what a command is given that acts in somebody's name, and says its refusals.

Where a command cannot run, a line or two say why, and Python prints no traceback. A setting is named as its operator
knows it, and no secret's value is ever shown.
"""

import os
from collections.abc import Iterator
from typing import Annotated

import typer
from kafka.errors import KafkaTimeoutError
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails, PydanticCustomError
from sqlalchemy.exc import DBAPIError, OperationalError

from services.platform.runtime.settings import SECRETS_DIR, EnvironmentSettings, SecretsUnread, require_tls, secret_path

WRONG = {
    "missing": "is missing",
    "int_parsing": "is no whole number",
    "bool_parsing": "is neither 1 nor 0",
    "greater_than_equal": "is less than {ge}",
    "less_than_equal": "is more than {le}",
    "beside_sandbox": "is not on this machine, and SAFE_RETURN_SANDBOX=1 plays the world there",
    "beside_world": "is a sandbox's, and SAFE_RETURN_SANDBOX is not 1",
    "in_clear": "is beyond this machine and not over verified TLS",
    "no_lock": "lets anybody in",
    "alone": "is there without what it needs",
}
GIVEN_UP = ("40001", "40P01", "55P03", "57014")
"""SQLSTATEs of a transaction that met others' work (a conflict, a deadlock, a lock that took too long) or took too long
itself. PostgreSQL has rolled it back.
"""
WHERE_SAID = 'docs/operating.md names every setting. Where `make run` runs, its own are used by: make services DO="..."'


def explain_error(error: Exception) -> list[str] | None:
    """Returns None for an error that neither a setting nor another try can mend: its traceback is wanted."""
    if isinstance(error, SecretsUnread):
        return [str(error), WHERE_SAID]
    if isinstance(error, ValidationError):
        return _of_settings(error)
    of_driver = error.orig if isinstance(error, DBAPIError) else error  # psycopg's own, where SQLAlchemy is not asked
    state = getattr(of_driver, "sqlstate", None)
    if state in GIVEN_UP:
        why = str(of_driver).splitlines()[0]
        return [f"PostgreSQL gave this step up: {why}. It changed nothing, and the same command can be given again"]
    if isinstance(error, OperationalError) and state is None:  # it never connected
        why = str(error.orig).splitlines()[0]
        return [f"PostgreSQL does not let this in: {why}. SAFE_RETURN_DATABASE says where it is"]
    if isinstance(error, KafkaTimeoutError):
        return [f"Kafka does not answer: {error}. SAFE_RETURN_KAFKA says where it is", WHERE_SAID]
    return None


def _of_settings(error: ValidationError) -> list[str] | None:
    """Returns a line for each setting: its name, the fault, and a right value."""
    of = next((each for each in _every(EnvironmentSettings) if each.__name__ == error.title), None)
    if of is None:
        return None
    listed = error.errors(include_url=False, include_input=False)
    return [*(_fault(each, of.model_fields[str(each["loc"][0])]) for each in listed), WHERE_SAID]


def _every(kind: type[EnvironmentSettings]) -> Iterator[type[EnvironmentSettings]]:
    """Yields the settings of all services that were imported."""
    yield kind
    for each in kind.__subclasses__():
        yield from _every(each)


def _fault(detail: ErrorDetails, setting: FieldInfo) -> str:
    name = _name(str(detail["loc"][0]), setting)
    right = "" if setting.description is None else f". It is {setting.description}"
    return f"{name} {_wrong(detail)}{right}"


def _wrong(detail: ErrorDetails) -> str:
    given = detail.get("ctx", {})
    if detail["type"] == "string_too_short":
        return "is empty" if given["min_length"] == 1 else f"is shorter than {given['min_length']} characters"
    return WRONG.get(detail["type"], "is wrong").format(**given)


def _name(field: str, setting: FieldInfo) -> str:
    """A secret is read from its file first, so if there is one, the file is wrong."""
    variable, file = f"SAFE_RETURN_{field.upper()}", secret_path(field)
    is_missing_secret = "SecretStr" in str(setting.annotation) and variable not in os.environ
    if file is not None and (is_missing_secret or file.is_file()):
        return f"the secret {file}"
    if is_missing_secret:
        return f"the secret {field} (a file of that name in the folder {SECRETS_DIR})"
    return variable


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
