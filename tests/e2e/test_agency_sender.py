"""What an agency's engineers are given, run: the sender against the running stack, the document's example against its schema."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from jsonschema import Draft202012Validator

from infra.local.settings.secret_files import SecretFiles, webhook_secret
from infra.local.stack import Stack
from services.casework.openapi import event_schema, sayable
from services.safeguarding.child_events.events import Told

DOCS = Path(__file__).parents[2] / "docs" / "integrating"


def run_sender(url: str, secret: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "SAFE_RETURN_URL": url,
        "SAFE_RETURN_SOURCE": "/agencies/northmoor-hospital",
        "SAFE_RETURN_SECRET": secret,
    }
    command = [sys.executable, str(DOCS / "agencies/send.py"), f"somebody {uuid4()}", "Not on the ward."]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=180)


@pytest.mark.stack
def test_the_sender_is_taken_and_told_that_a_person_finds_out_who_the_child_is(stack: Stack) -> None:
    secret = SecretFiles(stack.layout.secrets).value("northmoor-hospital", webhook_secret)
    ran = run_sender(stack.endpoints["casework"], secret)
    assert ran.returncode == 0, ran.stderr
    answer = json.loads(ran.stdout)
    assert answer["identified"] is False
    assert answer["child"].startswith("provisional-")


@pytest.mark.stack
def test_the_sender_says_that_a_person_must_telephone_when_it_is_refused(stack: Stack) -> None:
    ran = run_sender(stack.endpoints["casework"], webhook_secret())
    assert ran.returncode != 0
    assert "telephone" in ran.stderr


def test_the_documents_example_is_an_event_that_an_agency_may_send() -> None:
    example = re.search(r"```json\n(.*?)```", (DOCS / "agencies.md").read_text(), re.DOTALL)
    assert example is not None
    assert list(Draft202012Validator(event_schema()).iter_errors(json.loads(example[1]))) == []


@pytest.mark.parametrize("kind", sayable(), ids=lambda each: each.kind)
def test_what_safe_return_sets_itself_is_refused_from_an_agency(kind: type[Told]) -> None:
    event = {"specversion": "1.0", "id": "1", "source": "/a", "subject": "c", "time": "2026-11-24T22:10:00Z"}
    whole = event | {"type": kind.kind, "data": {"authority": "kestrel"}}
    assert list(Draft202012Validator(event_schema()).iter_errors(whole)) != []
