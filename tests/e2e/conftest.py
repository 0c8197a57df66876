"""One stack for all tests here: each takes children and phones of its own, and kills nothing."""

from collections.abc import Iterator

import pytest

from infra.local.stack import Stack
from tests.support.engines.stack import running_stack


@pytest.fixture(scope="package")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Started by the first test that asks for it."""
    with running_stack(tmp_path_factory.mktemp("stack")) as shared:
        yield shared
