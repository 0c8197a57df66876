"""What the audit's pack says of an episode is what the protocol and the console hold of it, and the record holds."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.rows import dict_row

from infra.local.settings.layout import ROOT
from services.platform.messages.envelope import read
from services.safeguarding.duty.decisions import DeliveryAttempted, RegisterLookedUp
from services.safeguarding.duty.duties import parts_of
from tests.support.outside.world import World

pytestmark = [pytest.mark.stack, pytest.mark.timeout(600)]

CARER = "+447700900105"
FACTS_OF_A_CASE = {
    "child.reported-missing.v1",
    "protocol.decided.v1",
    "police.notify.v1",
    "register.looked-up.v1",
    "delivery.attempted.v1",
    "duty.accepted.v1",
    "duty.acknowledged.v1",
    "duty.changed.v1",
    "episode.changed.v1",
}
"""By kind, whether each came as a message of its own or with others."""


def test_a_pack_equals_what_the_protocol_and_the_console_hold(world: World, tmp_path: Path) -> None:
    world.text(CARER, "MISSING")
    world.eventually(lambda: world.notices(CARER) and world.notices(CARER)[0]["acknowledged"])
    episode = world.notices(CARER)[0]["body"]["data"]["episode"]
    world.confirm(CARER, "BACK")
    world.eventually(lambda: _console(world, episode)[0].get("state") == "returned")
    pack = world.eventually(lambda: _settled(world, episode, tmp_path))
    assert pack is not None

    standing = pack["standing"]
    shown, duties = _console(world, episode)
    assert standing["episode"] == shown
    assert _by_id(standing["duties"]) == _by_id(duties)
    assert _states(standing["duties"]) == _held(world, episode)
    assert pack["holds"] is True
    envelopes = [each["envelope"].encode() for each in pack["entries"] if "envelope" in each]
    assert {kind for each in envelopes for kind in _facts_of(each)} >= FACTS_OF_A_CASE
    assert not {"protocol.decided.v1", "duty.changed.v1"} & {json.loads(each)["type"] for each in envelopes}
    assert episode[:8] in (tmp_path / f"evidence-{pack['code']}.html").read_text()


def test_the_whole_record_holds_and_nothing_is_missing_from_it(world: World) -> None:
    said = _audit(world, "verify")
    assert (said.returncode, said.stderr) == (0, "")
    metrics = httpx.get(f"{world.stack.endpoints['audit']}/metrics", trust_env=False, timeout=30).text
    gaps = [line for line in metrics.splitlines() if line.startswith("safe_return_audit_gaps{")]
    assert len(gaps) == 5
    assert [line for line in gaps if not line.endswith(" 0.0")] == [], _audit(world, "gaps").stdout


def _settled(world: World, episode: str, folder: Path) -> dict[str, Any] | None:
    """The pack, once audit and console have heard all that the protocol has decided. Both hear the bus in their own time."""
    assert _audit(world, "pack", episode, "--folder", str(folder)).returncode == 0
    (file,) = folder.glob("evidence-*.json")
    pack: dict[str, Any] = json.loads(file.read_text())
    shown, duties = _console(world, episode)
    stood = pack["standing"]["duties"]
    same = pack["standing"]["episode"] == shown and _by_id(stood) == _by_id(duties)
    return pack if same and _states(stood) == _held(world, episode) else None


def _facts_of(envelope: bytes) -> set[str]:
    parts = parts_of(read(envelope).content)
    read_before = {RegisterLookedUp.kind for each in parts if isinstance(each, DeliveryAttempted) and each.looked_up}
    return {each.kind for each in parts} | read_before


def _states(duties: list[dict[str, Any]]) -> dict[str, str]:
    return {each["duty"]: each["state"] for each in duties}


def _held(world: World, episode: str) -> dict[str, str]:
    return {name: duty.get("state", "open") for name, duty in _protocol(world, episode).items()}


def _audit(world: World, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services", "audit", *arguments]
    environment = world.stack.environment("audit")
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def _console(world: World, episode: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    with psycopg.connect(world.stack.admin_url, row_factory=dict_row) as connection:
        rows = connection.execute("SELECT content FROM console.episodes WHERE episode = %s", [episode]).fetchall()
        duties = connection.execute("SELECT content FROM console.duties WHERE episode = %s", [episode]).fetchall()
    return rows[0]["content"] if rows else {}, [row["content"] for row in duties]


def _protocol(world: World, episode: str) -> dict[str, Any]:
    with psycopg.connect(world.stack.admin_url) as connection:
        rows = connection.execute(
            "SELECT c.state FROM protocol.cases AS c JOIN console.episodes AS e USING (child) WHERE e.episode = %s",
            [episode],
        ).fetchall()
    duties = json.loads(rows[0][0])["duties"]
    return {name: duty for name, duty in duties.items() if duty.get("episode") == episode}


def _by_id(duties: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    return {each["duty"]: each for each in duties}
