"""Keeps the list of who was erased where a restoration of the database does not reach, and erases them again after one.

For the chart, where CloudNativePG restores and no program of ours: `python -m infra.postgres.erased`, again and again.
"""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from infra.postgres.backup import keep_destroyed


@dataclass(frozen=True)
class PsycopgClient:
    """In the place of psql, which the services' image does not have."""

    connection: psycopg.Connection[Any]

    def ask(self, statement: str) -> str:
        """The first column of what a query finds; of several statements, all are carried out or none."""
        return "\n".join(str(row[0]) for row in self.connection.execute(statement.encode()).fetchall())


def main() -> None:
    """Raises KeyError if a setting is missing."""
    with psycopg.connect(os.environ["SAFE_RETURN_ADMIN_DATABASE"], autocommit=True) as connection:
        again = keep_destroyed(PsycopgClient(connection), Path(os.environ["SAFE_RETURN_ERASED_DIR"]))
    print(f"erased again: {again}")


if __name__ == "__main__":
    main()
