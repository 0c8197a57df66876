"""What is told to those who load the register is what the register takes: every field, and which of them are needed."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from services.options.register_upkeep.policy.register_import import KnownReferences, cross_faults, read
from services.options.register_upkeep.policy.rows import TABLES, AuthorityRow, DirectoryRole, Row

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs/integrating/register.md").read_text()
SECTION = re.compile(r"^### `(?P<table>[a-z_]+)`\n(?P<told>.*?)(?=^##)", re.MULTILINE | re.DOTALL)
ROWS = {"authority": AuthorityRow} | TABLES


def told(table: str) -> list[str]:
    """The first cell of each of its lines."""
    sections = {found["table"]: found["told"] for found in SECTION.finditer(DOCUMENT)}
    return [line.split("|")[1] for line in sections[table].splitlines() if line.startswith("|")]


def fields(row: type[Row]) -> dict[str, bool]:
    """Which are needed."""
    return {about.alias or name: about.is_required() for name, about in row.model_fields.items()}


def described(table: str) -> dict[str, Any]:
    openapi = json.loads((ROOT / "schemas/openapi/casework.json").read_text())
    body = openapi["paths"]["/register/{authority}"]["put"]["requestBody"]
    whole = _named(openapi, body["content"]["application/json"]["schema"])["properties"]
    row = _named(openapi, whole[table] if table == "authority" else whole[table]["items"])
    return row | {"properties": {name: _named(openapi, each) for name, each in row["properties"].items()}}


def _named(openapi: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    """What a reference names."""
    name = schema.get("$ref", "").removeprefix("#/components/schemas/")
    return dict(openapi["components"]["schemas"][name] if name else schema)


def test_the_document_has_every_table_and_no_other() -> None:
    assert [found["table"] for found in SECTION.finditer(DOCUMENT)] == list(ROWS)


@pytest.mark.parametrize("table", ROWS)
def test_the_document_names_every_field_and_those_that_are_needed_in_bold(table: str) -> None:
    cells = told(table)
    named = [name for cell in cells for name in re.findall(r"`([a-z_]+)`", cell)]
    needed = {name for cell in cells for name in re.findall(r"\*\*`([a-z_]+)`\*\*", cell)}
    assert sorted(named) == sorted(fields(ROWS[table]))
    assert needed == {name for name, is_needed in fields(ROWS[table]).items() if is_needed}


@pytest.mark.parametrize("table", ROWS)
def test_the_openapi_document_has_every_field_as_the_model_has_it(table: str) -> None:
    schema, wanted = described(table), fields(ROWS[table])
    assert schema["properties"].keys() == wanted.keys()
    assert set(schema["required"]) == {name for name, is_needed in wanted.items() if is_needed}
    assert schema["additionalProperties"] is False
    assert all(about.keys() & {"type", "anyOf", "enum"} for about in schema["properties"].values())


def test_the_openapi_document_has_every_role_of_the_directory() -> None:
    assert set(described("directory")["properties"]["role"]["enum"]) == set(DirectoryRole)


def test_the_smallest_example_is_taken() -> None:
    given, faults = read(json.loads((ROOT / "docs/integrating/register/wren.json").read_text()), "wren")
    assert faults == []
    assert cross_faults(given, KnownReferences(forces=frozenset({"westmark-police"}))) == []
