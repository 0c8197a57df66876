"""Describes imports of the register and their answers as OpenAPI."""

from http import HTTPStatus
from typing import Any

from services.casework.policy.rows import FED, TABLES, AuthorityRow, Row
from services.casework.policy.sheets.spreadsheet import LISTS
from services.casework.web.events_openapi import inline_refs
from services.platform.runtime.http.openapi_errors import describe_answer, refusals

BEARER: dict[str, Any] = {"security": [{"register": []}]}


def row_schema(row: type[Row]) -> dict[str, Any]:
    """Every field of a table's rows."""
    schema = row.model_json_schema()
    whole: dict[str, Any] = inline_refs(schema, schema.get("$defs", {}))
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


def columns() -> str:
    """The columns of each table, for the first line of a sheet."""
    return "; ".join(f"{name}: {', '.join(row_schema(row)['properties'])}" for name, row in TABLES.items())


CONFIRM = {
    "name": "confirm",
    "in": "query",
    "required": False,
    "description": "The body's SHA-256, in hexadecimal: this import may end as many carers and lines of the directory as it does.",
    "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}
TRY = {
    "name": "try",
    "in": "query",
    "required": False,
    "description": "The answer says what would change, and nothing is.",
    "schema": {"type": "string", "enum": ["yes"]},
}
IMPORT = BEARER | {
    "parameters": [CONFIRM, TRY],
    "requestBody": {
        "required": True,
        "description": "A list of rows a table; a table that is left out stays as it is. Rows of `carers`, `directory` and "
        "`agencies` replace all that were there; those of the other tables are added, or replace the row of the same name. Forces and agencies are named by id: their rows are their own.",
        "content": {"application/json": {"schema": import_schema()}},
    },
}
TABLE = BEARER | {
    "parameters": [CONFIRM, TRY],
    "requestBody": {
        "required": True,
        "description": "One table, its columns named in the first line. An empty cell is nothing known; several values in one cell "
        f"({', '.join(sorted(LISTS))}) are parted by |. Columns of {columns()}.",
        "content": {"text/csv": {"schema": {"type": "string"}}},
    },
}
FEED = BEARER | {
    "parameters": [CONFIRM, TRY],
    "requestBody": {
        "required": True,
        "description": f"Rows of {', '.join(FED)}, each with its `as_of`; as CSV with the columns of a whole table.",
        "content": {
            "application/json": {
                "schema": {
                    "type": "array",
                    "items": {"type": "object", "required": ["as_of"], "description": "As in a whole import."},
                }
            },
            "text/csv": {"schema": {"type": "string"}},
        },
    },
}
FILES = BEARER | {
    "parameters": [CONFIRM, TRY],
    "requestBody": {
        "required": True,
        "description": "`mapping` is the mapping's YAML, or the name of one that comes with Safe Return (`ssd`).",
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["mapping", "file"],
                    "properties": {
                        "mapping": {"type": "string"},
                        "file": {"type": "array", "items": {"type": "string", "format": "binary"}},
                    },
                }
            }
        },
    },
}
IMPORT_ANSWERS = {
    200: describe_answer(
        "All of it is durable.",
        "application/json",
        {
            "type": "object",
            "required": ["authority", "rows"],
            "properties": {
                "authority": {"type": "string"},
                "import": {"type": "string", "format": "uuid", "description": "By which it is found and undone."},
                "changed": {
                    "type": "object",
                    "additionalProperties": {"type": "integer"},
                    "description": "How many rows of each table differ from before; a table without any is left out.",
                },
                "rows": {"type": "object", "additionalProperties": {"type": "integer"}, "description": "Rows a table."},
                "transferred": {
                    "type": "array",
                    "items": {"type": "string"},
                    "description": "References of children who are another authority's by now: passed over.",
                },
                "older": {
                    "type": "object",
                    "additionalProperties": {"type": "integer"},
                    "description": "How many rows of each table the register had as of that time or a later one.",
                },
                "tried": {"type": "boolean", "description": "Nothing was changed: it was only tried."},
                "changes": {
                    "type": "object",
                    "additionalProperties": {"type": "object"},
                    "description": "Where it was tried, by table: rows added and removed, and by field in how many others it differs.",
                },
                "held": {
                    "type": "object",
                    "additionalProperties": {"type": "object"},
                    "description": "Where it was tried: what it would end, for which it would have to be confirmed.",
                },
                "corrections_kept": {
                    "type": "object",
                    "additionalProperties": {"type": "array", "items": {"type": "string"}},
                    "description": "Fields of people that were put right at the console, by reference: kept.",
                },
            },
        },
    ),
} | refusals(
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.CONFLICT,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
)

PICTURE = {"type": "string", "format": "binary"}
PHOTOGRAPH = BEARER | {
    "parameters": [
        {
            "name": "taken_on",
            "in": "query",
            "required": False,
            "description": "The day it was taken, YYYY-MM-DD: police judge by it how far it can be trusted.",
            "schema": {"type": "string", "format": "date"},
        }
    ],
    "requestBody": {
        "required": True,
        "content": {"image/jpeg": {"schema": PICTURE}, "image/png": {"schema": PICTURE}},
    },
}
PHOTOGRAPH_ANSWERS = {204: {"description": "Durable."}} | refusals(
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.NOT_FOUND,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
    HTTPStatus.TOO_MANY_REQUESTS,
)
