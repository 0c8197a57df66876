"""The example of a stack that is not up says so, and shows no traceback."""

import psycopg
import pytest
from sqlalchemy.exc import OperationalError

from infra.docker import sandbox


def test_the_example_says_that_the_database_is_away(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def refuse(_secrets: object) -> None:
        raise OperationalError("SELECT 1", None, psycopg.OperationalError("connection failed: refused"))

    monkeypatch.setattr(sandbox, "_enter_example", refuse)
    assert sandbox.main(["example"]) == 1
    said = capsys.readouterr().out
    assert "PostgreSQL does not let this in: connection failed: refused" in said
    assert "docker compose up --wait" in said
