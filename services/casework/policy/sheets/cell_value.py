"""Works out a field of ours from the cells of a council's row."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeAlias

from services.casework.policy.fields import Closed
from services.casework.policy.sheets.council_file import Cells
from services.casework.policy.sheets.spreadsheet import FLAGS, LISTS, value_of
from services.safeguarding.working_time import ENGLAND

MOMENTS = frozenset({"as_of", "entered_care_at"})
Said: TypeAlias = str | bool | int | None


class Value(Closed):
    """How a field of ours is found. `column`: theirs; several are joined by a space. `first`: the first column that is
    not empty. `values`: theirs to ours, or the name of one of the mapping's `lists`; with `starts` the longest that the
    cell begins with. `otherwise`: for any other value, which is a fault without it. `dates`: how they write a date.
    """

    column: str | tuple[str, ...] = ()
    first: tuple[str, ...] = ()
    always: Said = None
    values: dict[str, Said] | str | None = None
    starts: bool = False
    otherwise: Said = None
    dates: tuple[str, ...] = ()
    prefix: str = ""

    @property
    def columns(self) -> tuple[str, ...]:
        return self.first or ((self.column,) if isinstance(self.column, str) else self.column)

    def work(self, lists: Mapping[str, dict[str, Said]]) -> int:
        """How many things are looked at for a line, at most."""
        values = lists[self.values] if isinstance(self.values, str) else self.values or {}
        return 1 + len(self.columns) + len(self.dates) + (len(values) if self.starts else 0)

    def text(self, cells: Cells) -> str:
        told = [told for name in self.columns if (told := cells.get(name, "").strip())]
        return " ".join(told[:1] if self.first else told)

    def of(self, field: str, cells: Cells, lists: Mapping[str, dict[str, Said]]) -> Any:
        """Raises ValueError with what is wanted."""
        if not self.columns:
            return self.always
        text = self.text(cells)
        if self.values is not None:
            return self._among(text, lists[self.values] if isinstance(self.values, str) else self.values)
        if not text:
            return None
        if self.dates:
            return self._day(field, text)
        return value_of(field, text) if field in LISTS | FLAGS else self.prefix + text

    def _among(self, text: str, values: Mapping[str, Said]) -> Said:
        found = text if text in values else ""
        if self.starts:
            found = max((each for each in values if text.startswith(each)), key=len, default="")
        if found in values and (found or not text):
            return values[found]
        if "otherwise" in self.model_fields_set or not text:
            return self.otherwise
        raise ValueError(f"one of {', '.join(sorted(filter(None, values)))} is needed, or a line for it in the mapping")

    def _day(self, field: str, text: str) -> str:
        for each in self.dates:
            try:
                found = datetime.strptime(text, each).replace(tzinfo=ENGLAND)
            except (ValueError, re.error):  # the latter of a format that names a part twice
                continue
            return found.isoformat() if field in MOMENTS else found.date().isoformat()
        raise ValueError(f"a date written as {' or '.join(self.dates)} is needed")
