"""A real stack for tests: the packages `chaos` and `e2e` share one each, which is gone before anything else begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.local.stack import Stack
from tests.support.engines.alone import require_alone


@contextmanager
def running_stack(folder: Path, options: str | None = None) -> Iterator[Stack]:
    """With the example authorities loaded."""
    require_alone()
    stack = Stack(folder, options=options)
    stack.start()
    yield stack
    stack.stop()
    stack.remove()
