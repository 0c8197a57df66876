"""Describes imports of the register as OpenAPI (`openapi.yaml`), with the schema of each table."""

from typing import Any

from services.casework.openapi import whole_schema
from services.options.register_upkeep.policy.rows import FED, TABLES, AuthorityRow, Row
from services.options.register_upkeep.policy.sheets import LISTS
from services.platform.runtime.problems import read_routes


def row_schema(row: type[Row]) -> dict[str, Any]:
    """Every field of a table's rows."""
    whole = whole_schema(row)
    fields = {
        name: {key: each for key, each in about.items() if key != "title"}
        for name, about in whole["properties"].items()
    }
    return whole | {"properties": fields, "description": " ".join((row.__doc__ or "").split())}


def import_schema() -> dict[str, Any]:
    tables = {name: {"type": "array", "items": row_schema(row)} for name, row in TABLES.items()}
    return {
        "title": "RegisterImport",
        "type": "object",
        "additionalProperties": False,
        "properties": {"authority": row_schema(AuthorityRow)} | tables,
    }


ROUTES = read_routes(__file__)
_bodies = {name: ROUTES[name]["openapi_extra"]["requestBody"] for name in ("import", "table", "rows")}
_bodies["import"]["content"]["application/json"]["schema"] = import_schema()
for _each in ("table", "rows"):
    _bodies[_each]["description"] = _bodies[_each]["description"].format(
        fed=", ".join(FED),
        lists=", ".join(sorted(LISTS)),
        columns="; ".join(f"{name}: {', '.join(row_schema(row)['properties'])}" for name, row in TABLES.items()),
    )
