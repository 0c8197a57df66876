"""One real stack for all tests that need it: each takes children and phones of its own, and kills nothing."""

from collections.abc import Iterator

import pytest

from infra.local.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started by the first test that asks for it, with the example authorities loaded."""
    shared = Stack(tmp_path_factory.mktemp("stack"))
    shared.start()
    yield shared
    shared.stop()
    shared.remove()
