"""Holds what may be cited and the law's numbers, as shipped and as files add to it."""

from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

import yaml

from services.protocol.law.rows import rows_of
from services.protocol.law.sources import Source, Sources
from services.protocol.law.values import Value, Values

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Law:
    sources: Sources
    values: Values

    @property
    def checked_on(self) -> date:
        """The newest check of any source: the law is not known later than this."""
        return max((each.checked_on for each in self.sources.all if each.checked_on is not None), default=date.min)


@cache
def shipped() -> Law:
    """Raises ValueError (pydantic's) for a row that is not written as it must be."""
    sources = yaml.safe_load((HERE / "sources.yaml").read_text())["sources"]
    values = yaml.safe_load((HERE / "values.yaml").read_text())["values"]
    return Law(Sources(rows_of(Source, sources)), Values(rows_of(Value, values)))
