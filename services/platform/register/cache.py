"""Caches what this process read of the register, for seconds: what hardly ever changes and harms nobody when it is that
old.

Never who holds a role, or how a person is reached: that is asked at each telling.
"""

import time
from collections.abc import Callable
from typing import Any

from cachetools import TTLCache

FRESH_SECONDS = 2.0
MOST_KEYS = 1000
"""A few are expected: one for each authority or force."""


def new_cache(timer: Callable[[], float] = time.monotonic) -> TTLCache[Any, Any]:
    """`timer` gives seconds. A value of None counts as read."""
    return TTLCache(MOST_KEYS, FRESH_SECONDS, timer)
