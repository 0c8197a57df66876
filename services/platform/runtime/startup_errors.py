"""Explains in a line or two why a command cannot run, where Python would print a traceback.

Names a setting as its operator knows it, and never shows a secret's value.
"""

import os
from collections.abc import Iterator

from kafka.errors import KafkaTimeoutError
from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails
from sqlalchemy.exc import DBAPIError, OperationalError

from services.platform.runtime.settings import SECRETS_DIR, EnvironmentSettings, SecretsUnread, secret_path

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
