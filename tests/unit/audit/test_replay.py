"""What `audit replay` brings back to the bus, and what it cannot."""

from collections import Counter
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, cast

import pytest
from sqlalchemy.ext.asyncio import AsyncConnection
from typer.testing import CliRunner

from services.audit import commands

SINCE = datetime(2026, 11, 24, 22, tzinfo=UTC)


class Record:
    """Two messages that this version knows, and two between them that it does not."""

    async def execute(self, *_: Any) -> list[SimpleNamespace]:
        kinds = ("child.returned.v1", "child.forgotten.v1", "child.forgotten.v1", "duty.accepted.v1")
        return [SimpleNamespace(chain="child-1", kind=kind, envelope=kind.encode()) for kind in kinds]


async def test_a_kind_that_this_version_no_longer_has_is_left_out_and_counted() -> None:
    recorded, gone = await commands.recorded_since(cast("AsyncConnection", Record()), SINCE)
    assert recorded == [
        ("child-1", "child-events", b"child.returned.v1"),
        ("child-1", "outcomes", b"duty.accepted.v1"),
    ]
    assert gone == Counter({"child.forgotten.v1": 2})


def test_the_command_says_what_it_has_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commands, "_ask", lambda _look: ([], Counter({"child.forgotten.v1": 2})))
    monkeypatch.setattr(commands, "publish", lambda _connection, recorded: len(recorded))
    done = CliRunner().invoke(commands.audit, ["replay", "2026-11-24T22:00:00Z"])
    assert done.exit_code == 0, done.output
    assert "this version no longer has the kind: 2 of child.forgotten.v1" in done.stderr
    assert done.stdout == "0 messages are on the bus again\n"
