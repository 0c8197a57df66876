"""One real stack for all tests that need it: each takes children and phones of its own, and kills nothing."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from infra.local.stack import Stack


class StackStarter(Protocol):
    """`start(replicas=2)` starts two processes a service."""

    def __call__(self, replicas: int = 1) -> Stack: ...


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started by the first test that asks for it, with the example authorities loaded."""
    shared = Stack(tmp_path_factory.mktemp("stack"))
    shared.start()
    yield shared
    shared.stop()
    shared.remove()


@pytest.fixture
def own_stack(tmp_path: Path) -> Iterator[StackStarter]:
    """Starts stacks that a crash test may hurt; they are stopped and removed after it."""
    started: list[Stack] = []

    def start(replicas: int = 1) -> Stack:
        one = Stack(tmp_path / f"stack-{len(started)}", replicas=replicas)
        started.append(one)
        one.start()
        return one

    yield start
    for one in started:
        one.stop()
        one.remove()
