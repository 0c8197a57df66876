"""What was read a moment ago is not read again; what was read longer ago is."""

import pytest

from services.register import lately
from services.register.lately import Lately


async def test_a_key_is_read_once_in_a_while_and_each_for_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    now, read = 100.0, list[str]()
    monkeypatch.setattr("time.monotonic", lambda: now)
    lines: Lately[str, int] = Lately()

    async def of(key: str) -> int:
        async def reads() -> int:
            read.append(key)
            return len(read)

        return await lines.of(key, reads)

    assert [await of("kestrel"), await of("kestrel"), await of("lapwing")] == [1, 1, 2]
    now += lately.FRESH_SECONDS
    assert await of("kestrel") == 3
    assert read == ["kestrel", "lapwing", "kestrel"]
