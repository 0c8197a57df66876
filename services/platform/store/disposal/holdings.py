"""Reads what each table holds of a person and of an authority from `holdings.yaml`, and copies it into the database."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import Connection

WRITTEN = Path(__file__).with_name("holdings.yaml")
COPY = """
    INSERT INTO holdings.tables (number, name, about, authority, key)
    VALUES (%(number)s, %(name)s, %(about)s, %(authority)s, %(key)s)
"""


class Holding(BaseModel):
    """What a table holds. The file says what each of these is."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    title: str = ""
    origin: str = Field(default="", alias="from")
    about: str | None = None
    nothing: str | None = None
    authority: str | None = None
    key: str | None = None
    sealed: tuple[str, ...] = ()
    whose: Mapping[str, str] = {}
    messages: tuple[str, ...] = ()
    fields: Mapping[str, str] = {}
    left_out: tuple[str, ...] = ()

    @model_validator(mode="after")
    def _is_whole(self) -> Self:
        if (self.about is None) == (self.nothing is None):
            raise ValueError("says either which rows are about a person, or why none is")
        if self.about is not None and not (self.title and self.origin and self.fields and self.authority):
            raise ValueError("lacks a title, where it is from, its fields, or whose it is")
        if strangers := {*self.sealed, *self.whose, *self.messages} - {*self.fields}:
            raise ValueError(f"names no field: {', '.join(sorted(strangers))}")
        if self.sealed and self.key is None:
            raise ValueError("needs a key for what is sealed")
        return self


def read_holdings(written: str) -> dict[str, Holding]:
    """Reads them by table, in the order of deleting an authority's rows. Raises ValueError if one is not whole."""
    return {name: Holding.model_validate(each) for name, each in yaml.load(written, yaml.CSafeLoader).items()}


@cache
def holdings() -> dict[str, Holding]:
    return read_holdings(WRITTEN.read_text())


def copy_holdings(connection: Connection) -> None:
    """Replaces what the database had."""
    rows = [
        {"number": number, "name": name, "about": each.about, "authority": each.authority, "key": each.key}
        for number, (name, each) in enumerate(holdings().items())
    ]
    connection.exec_driver_sql("DELETE FROM holdings.tables")
    connection.exec_driver_sql(COPY, rows)
