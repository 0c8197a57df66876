"""The database is lost and restored to a moment before the last report: the bus still has that report, and nothing is forgotten."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from infra.local import __main__ as orders
from infra.local.example import authority as example_authority
from infra.local.settings.layout import ROOT
from infra.local.stack import Stack
from tests.chaos.standing import lies_elsewhere
from tests.support.in_process.console import child_page
from tests.support.outside.world import World

pytestmark = [pytest.mark.crash, pytest.mark.timeout(1400)]

BEFORE, CODE_BEFORE = "+447700900100", "C11"
AFTER, CODE_AFTER = "+447700900106", "C18"


@contextmanager
def running(folder: Path) -> Iterator[World]:
    stack = Stack(folder, archive=True)
    send_soon(stack)
    try:
        stack.start()
        with closing(World(stack)) as world:
            yield world
    finally:
        stack.stop()


def send_soon(stack: Stack) -> None:
    stack.layout.make()
    example_authority.plan_archive(stack.layout)
    file = stack.layout.archive / "plan.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"segment_ends_seconds": 2}))


def audit(stack: Stack, *order: str) -> tuple[int, str]:
    command = [sys.executable, "-m", "services", "audit", *order]
    environment = stack.environment("audit")
    said = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    return said.returncode, said.stdout + said.stderr


def lies_elsewhere_by_now(world: World) -> datetime:
    now = datetime.now(UTC)
    world.eventually(lambda: lies_elsewhere(world.stack, now), within_seconds=360)
    return datetime.now(UTC)


def test_what_the_restored_database_does_not_know_any_more_comes_back_from_the_bus(tmp_path: Path) -> None:
    folder = tmp_path / "site"
    try:
        with running(folder) as world:
            world.text(BEFORE, "MISSING")
            world.eventually(lambda: world.notices(BEFORE))
            moment = lies_elsewhere_by_now(world)
            world.text(AFTER, f"MISSING {CODE_AFTER}")
            [lost] = world.eventually(lambda: world.notices(AFTER))
            lies_elsewhere_by_now(world)
        orders.recover(moment.isoformat(), folder)
        with running(folder) as world:
            episode = lost["body"]["data"]["episode"]
            world.eventually(lambda: episode in child_page(world.console, CODE_AFTER), within_seconds=270)
            assert "Missing" in child_page(world.console, CODE_BEFORE)
            world.eventually(lambda: audit(world.stack, "gaps")[0] == 0, within_seconds=270)
            assert audit(world.stack, "verify")[0] == 0
            code, said = audit(world.stack, "verify", "--anchors", world.stack.layout.anchors.as_uri())
            assert (code, "was published and is not in the record" in said) in {(0, False), (1, True)}, said
    finally:
        Stack(folder).remove()
