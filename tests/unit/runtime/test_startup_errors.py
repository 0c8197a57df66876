"""A wrong setting is said in a line: its name, what is wrong and what would be right. A secret's value never is."""

import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from time import monotonic

import pytest
from psycopg.errors import DeadlockDetected, LockNotAvailable, UniqueViolation
from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from sqlalchemy.exc import OperationalError

import services.carers.settings
import services.casework.settings
import services.console.settings
import services.platform.delivery.settings.correspondence
import services.protocol.settings  # noqa: F401 - all of them, for `ALL`
from infra.local.settings.environment import bare
from services.platform.runtime.commands import WHERE_SAID, _every, explain_error
from services.platform.runtime.settings import Settings
from tests.support.cases import try_each
from tests.support.engines.ports import free_port

ROOT = Path(__file__).parents[3]
KEY = b64encode(bytes(range(32))).decode()
ALL = sorted(
    {(each.__name__, name, about) for each in _every(Settings) for name, about in each.model_fields.items()}, key=str
)


def said(order: str, secrets: Path | None, **settings: str) -> tuple[int, str]:
    environment = bare() | {f"SAFE_RETURN_{name}": value for name, value in settings.items()}
    if secrets is not None:
        environment["SAFE_RETURN_SECRETS_DIR"] = str(secrets)
    command = [sys.executable, "-m", "services", *order.split()]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    "order",
    ["run police", "run clock", "accounts reset ada", "audit gaps", "renew-keys casework", "forward 2h", "migrate"],
)
def test_a_command_without_its_settings_names_each_in_a_line_and_shows_no_stack(order: str) -> None:
    code, lines = said(order, None)
    assert code == 2
    assert "SAFE_RETURN_" in lines
    assert "Traceback" not in lines
    assert "pydantic" not in lines


def test_the_list_of_dead_letters_says_soon_and_in_words_alone_that_kafka_does_not_answer() -> None:
    began = monotonic()
    code, lines = said("dead-letters", None, KAFKA=f"127.0.0.1:{free_port()}")
    assert monotonic() - began < 20
    first, *others = lines.splitlines()
    assert (code, others) == (2, [WHERE_SAID])
    assert first.startswith("Kafka does not answer: ")
    assert first.endswith("SAFE_RETURN_KAFKA says where it is")


def test_a_setting_is_named_as_it_is_set_with_what_is_wrong_and_what_would_be_right(tmp_path: Path) -> None:
    (tmp_path / "database_password").write_text("hush-hush")
    (tmp_path / "master_key").write_text("hush-hush")
    (tmp_path / "link_key").write_text("")
    code, lines = said(
        "run police", tmp_path, PUBLISHED_KEPT_HOURS="0", HTTP_PORT="eighty", SMTP_FROM="nobody", SANDBOX="maybe"
    )
    assert code == 2
    for line in (
        "SAFE_RETURN_PUBLISHED_KEPT_HOURS is less than 1. It is how long",
        "SAFE_RETURN_HTTP_PORT is no whole number. It is the port",
        "SAFE_RETURN_SMTP_FROM is wrong. It is the mailbox",
        "SAFE_RETURN_SANDBOX is neither 1 nor 0. ",
        "SAFE_RETURN_SMTP_HOST is missing. ",
        f"the secret {tmp_path}/master_key is wrong. It is the base64 of 32 bytes",
        f"the secret {tmp_path}/phone_key is missing. ",
        f"the secret {tmp_path}/link_key is wrong. ",
    ):
        assert any(each.startswith(line) for each in lines.splitlines()), lines
    assert "hush-hush" not in lines


def test_a_folder_of_secrets_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    code, lines = said("audit gaps", tmp_path / "none")
    assert (code, lines.splitlines()[0]) == (
        2,
        f"SAFE_RETURN_SECRETS_DIR names {tmp_path}/none: {tmp_path}/none cannot be read (No such file or directory)",
    )


def test_a_database_that_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "database_password").write_text("hush-hush")
    code, lines = said("audit gaps", tmp_path, HTTP_PORT="1", DATABASE="postgresql://127.0.0.1:1/safe_return")
    assert code == 2
    assert lines.startswith("PostgreSQL does not let this in: connection failed")
    assert lines.count("\n") == 1


MET = DeadlockDetected("deadlock detected\nDETAIL:  Process 7 waits for a row of somebody")


@pytest.mark.parametrize(
    "error", [MET, OperationalError("UPDATE", {}, MET), LockNotAvailable("canceling statement due to lock timeout")]
)
def test_a_command_that_met_a_lock_says_that_it_changed_nothing_and_can_be_given_again(error: Exception) -> None:
    [line] = explain_error(error) or []
    assert line.startswith(
        ("PostgreSQL gave this step up: deadlock detected. ", "PostgreSQL gave this step up: canceling ")
    )
    assert line.endswith(". It changed nothing, and the same command can be given again")


def test_what_no_setting_can_mend_keeps_its_stack() -> None:
    class Other(BaseModel):
        number: int

    with pytest.raises(ValidationError) as refused:
        Other.model_validate({})
    assert explain_error(refused.value) is None
    assert explain_error(KeyError("a mistake of ours")) is None
    assert explain_error(UniqueViolation("duplicate key value")) is None


def test_every_setting_that_can_be_wrong_says_what_would_be_right() -> None:
    try_each(ALL, lambda each: can_be_wrong(each[2]) and not each[2].description)


def can_be_wrong(about: FieldInfo) -> bool:
    return bool(about.is_required() or about.metadata or about.annotation in {int, bool, float})
