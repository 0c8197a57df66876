"""Columns whose shape the tables of all services share: what is kept encrypted, what finds it, and moments."""

from datetime import datetime

from sqlalchemy import Column, DateTime, LargeBinary

MOMENT = DateTime(timezone=True)


def sealed(*names: str, needed: bool = False) -> list[Column[bytes]]:
    """Encrypted by the application (`services.platform.store.encryption`) before it comes here. `needed`: never null."""
    return [Column(name, LargeBinary, nullable=not needed) for name in names]


def hashed(name: str, *, needed: bool = False) -> Column[bytes]:
    """A hash that finds or compares what is not kept in the clear."""
    return Column(name, LargeBinary, nullable=not needed)


def moments(*names: str, needed: bool = False) -> list[Column[datetime]]:
    return [Column(name, MOMENT, nullable=not needed) for name in names]
