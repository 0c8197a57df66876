"""What was read a moment ago is not read again; what was read longer ago is."""

import pytest

from services.platform.register import keys
from services.platform.register.keys import new_cache


def test_a_value_lasts_a_while_and_each_for_itself() -> None:
    now = 100.0
    lines = new_cache(lambda: now)
    lines["kestrel"] = "+441632960100"
    now += keys.FRESH_SECONDS / 2
    lines["lapwing"] = None
    assert (lines["kestrel"], lines["lapwing"], "lapwing" in lines) == ("+441632960100", None, True)
    now = 100.0 + keys.FRESH_SECONDS
    assert lines.get("kestrel") is None
    assert lines["lapwing"] is None
    with pytest.raises(KeyError):
        lines["kestrel"]


def test_no_flood_of_keys_fills_the_memory() -> None:
    lines = new_cache(lambda: 100.0)
    for each in range(2 * keys.MOST_KEYS):
        lines[each] = each
    assert len(lines) == keys.MOST_KEYS
