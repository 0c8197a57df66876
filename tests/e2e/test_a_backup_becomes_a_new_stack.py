"""Everything is destroyed while a child is missing; from the copy and the secrets alone a new stack goes on where the old one was."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from infra.local.settings.layout import ROOT
from infra.local.stack import Stack
from infra.postgres.backup import beside
from tests.support.in_process.console import child_page
from tests.support.outside.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(750)]

CARER, CODE, FORCE = "+447700900100", "C11", "northmoor-police"
POLICE_SILENT = "police have not answered a notice"


@contextmanager
def running(stack: Stack) -> Iterator[World]:
    try:
        stack.start()
        with closing(World(stack)) as world:
            yield world
    finally:
        stack.stop()
        stack.remove()


def audit(stack: Stack, *order: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services", "audit", *order]
    environment = stack.environment("audit")
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_child_missing_at_the_copy_is_still_looked_after_by_the_stack_that_comes_of_it(tmp_path: Path) -> None:
    copy, kept = tmp_path / "copy.dump", tmp_path / "kept"
    begun = datetime.now(UTC)
    with running(Stack(tmp_path / "lost")) as world:
        world.desk(FORCE, acknowledges=False)
        world.text(CARER, "MISSING")
        [notice] = world.eventually(lambda: world.notices(CARER))
        world.eventually(lambda: "Delivered, no reply yet: police control room" in _episode(world))
        # An anchor is made every minute, and when the audit starts: that is sooner.
        world.stack.kill("audit")
        anchored = world.eventually(lambda: _newest_anchor(world.stack), within_seconds=270)
        assert world.stack.back_up(copy)["anchor_hash"] == anchored
        # What is kept apart from the copy: the secrets, and at which addresses all of it is reached.
        shutil.copytree(world.stack.layout.secrets / "made", kept / "secrets" / "made")
        shutil.copy(world.stack.layout.ports, kept)
    assert not (tmp_path / "lost").exists()

    with running(Stack(kept, copy=copy)) as world:
        world.desk(FORCE, acknowledges=False)
        witness = json.loads(beside(copy).read_text())["anchor_hash"]
        verified = audit(world.stack, "verify", "--anchor", witness)
        assert (verified.returncode, verified.stderr) == (0, "")
        assert audit(world.stack, "replay", f"{begun - timedelta(minutes=15):%Y-%m-%dT%H:%M:%SZ}").returncode == 0
        before = len(world.texts())
        world.forward("16m")
        world.eventually(lambda: [each for each in world.texts()[before:] if POLICE_SILENT in each["body"]])
        assert notice["body"]["data"]["episode"] in _episode(world)
        told = len(world.notices(CARER))
        world.confirm(CARER, "BACK")
        world.eventually(lambda: len(world.notices(CARER)) > told)
        world.eventually(lambda: "Returned" in _episode(world) or not _episode(world))
        assert audit(world.stack, "verify", "--anchor", witness).returncode == 0


def _episode(world: World) -> str:
    return child_page(world.console, CODE)


def _newest_anchor(stack: Stack) -> str:
    """Empty until there is one."""
    said = audit(stack, "anchor")
    return said.stdout.split()[-1] if said.returncode == 0 else ""
