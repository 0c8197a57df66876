"""Remembers the newest entries of the outside world, in the order in which they came."""

from collections import OrderedDict
from itertools import takewhile
from typing import Generic, TypeVar

Entry = TypeVar("Entry")

KEPT = 50_000


class Ledger(Generic[Entry]):
    """Entries by key, each numbered from 1 as it comes. When full, the oldest gives way to the newest."""

    def __init__(self, limit: int = KEPT) -> None:
        self._limit = limit
        self._entries: OrderedDict[str, tuple[int, Entry]] = OrderedDict()
        self.last_number = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, key: str, entry: Entry) -> Entry | None:
        """Take in a new entry and return the one that gave way to it, if any. A key must be new."""
        if key in self._entries:
            msg = f"there is an entry {key!r} already"
            raise KeyError(msg)
        self.last_number += 1
        self._entries[key] = (self.last_number, entry)
        if len(self._entries) <= self._limit:
            return None
        _, (_, oldest) = self._entries.popitem(last=False)
        return oldest

    def get(self, key: str) -> Entry | None:
        """Find an entry, or None where it never came or has given way."""
        found = self._entries.get(key)
        return found[1] if found else None

    def remove(self, key: str) -> None:
        """Forget an entry; its number is not given again."""
        self._entries.pop(key, None)

    def since(self, number: int) -> list[tuple[int, Entry]]:
        """List the entries after that number, oldest first. Costs as much as it returns."""
        newest_first = takewhile(lambda numbered: numbered[0] > number, reversed(self._entries.values()))
        return list(newest_first)[::-1]
