"""Events of any kind for property tests, drawn from each kind's own schema, so that a new kind needs nothing here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeAlias
from uuid import UUID

from hypothesis import strategies as st

from services.safeguarding.message import Message

Strategy: TypeAlias = st.SearchStrategy[Any]
Schema: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Drawing:
    """Draws from few people and days, all near `around`, so that events meet. `named` is for fields whose schema does not say enough."""

    named: Mapping[str, Strategy]
    children: Sequence[str]
    people: Sequence[str]
    authorities: Sequence[str]
    around: datetime

    def events(self, kind: type[Message]) -> st.SearchStrategy[Message]:
        """Each optional field is there or is not."""
        schema = kind.model_json_schema()
        return self._object(schema, schema.get("$defs", {})).map(kind.model_validate)

    def _object(self, schema: Schema, kinds: Schema) -> Strategy:
        fields = {name: self._field(about, kinds, name) for name, about in schema["properties"].items()}
        needed = {name: fields.pop(name) for name in schema.get("required", [])}
        return st.fixed_dictionaries(needed, optional=fields)

    def _field(self, schema: Schema, kinds: Schema, name: str) -> Strategy:
        if name in self.named:
            return self.named[name]
        if "$ref" in schema:
            return self._field(kinds[schema["$ref"].rpartition("/")[2]], kinds, name)
        if "anyOf" in schema:
            return st.one_of(*(self._field(each, kinds, name) for each in schema["anyOf"]))
        if "const" in schema or "enum" in schema:
            return st.sampled_from(schema.get("enum") or [schema["const"]])
        if schema["type"] == "array":
            return st.lists(self._field(schema["items"], kinds, ""), max_size=2)
        return self._object(schema, kinds) if schema["type"] == "object" else self._scalar(schema)

    def _scalar(self, schema: Schema) -> Strategy:
        plain = {"null": st.none(), "boolean": st.booleans(), "integer": st.integers(1, 3)}
        return plain[schema["type"]] if schema["type"] in plain else self._string(schema)

    def _string(self, schema: Schema) -> Strategy:
        near = st.integers(-500, 1500).map(lambda hours: self.around + timedelta(hours=hours))
        formats = {
            "date": near.map(lambda moment: moment.date().isoformat()),
            "date-time": near.map(datetime.isoformat),
            "uuid": st.sampled_from([str(UUID(int=number, version=4)) for number in (1, 2)]),
        }
        if schema.get("format") in formats:
            return formats[schema["format"]]
        of = {"^(child|provisional)": self.children, "^person": self.people, "^[a-z0-9]+": self.authorities}
        return st.sampled_from(next(those for start, those in of.items() if schema["pattern"].startswith(start)))
