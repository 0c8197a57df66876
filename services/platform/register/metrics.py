"""Declares the register's metrics. No label names a child or a person."""

from prometheus_client import Counter

UNDECRYPTABLE = Counter(
    "register_columns_shut",
    "Columns read as a gap because their owner's key does not open them: it was erased and made anew, or the column was changed",
)
