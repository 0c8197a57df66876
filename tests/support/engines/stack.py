"""One real stack for all tests that need it: each takes children and phones of its own, and kills nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.local.stack import Stack
from tests.support.engines.alone import require_alone


@contextmanager
def running_stack(folder: Path) -> Iterator[Stack]:
    """With the example authorities loaded."""
    require_alone()
    stack = Stack(folder)
    stack.start()
    yield stack
    stack.stop()
    stack.remove()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started by the first test that asks for it."""
    with running_stack(tmp_path_factory.mktemp("stack")) as shared:
        yield shared
