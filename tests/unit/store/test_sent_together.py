"""The statements of a pipeline go together, or not at all from the first on that cannot be sent."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.platform.store.query import Driver, sent_together


async def test_no_commit_goes_after_a_statement_that_could_not_be_sent() -> None:
    sent: list[str] = []
    pipeline = SimpleNamespace(command_queue=deque[Any]())

    @asynccontextmanager
    async def opened() -> AsyncIterator[SimpleNamespace]:
        try:
            yield pipeline
        finally:  # as psycopg: what is left goes with the end of the pipeline
            while pipeline.command_queue:
                pipeline.command_queue.popleft()()

    def unsendable() -> None:
        raise MemoryError

    with pytest.raises(MemoryError):
        async with sent_together(cast("Driver", SimpleNamespace(pipeline=opened))):
            pipeline.command_queue += [lambda: sent.append("a row"), unsendable, lambda: sent.append("COMMIT")]
    assert sent == ["a row"]
