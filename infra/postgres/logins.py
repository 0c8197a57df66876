"""Gives the services' roles LOGIN and passwords, which each installation has of its own. Migrations make neither."""

import os
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

EXPORTER = "exporter"
"""Reads the server's statistics for Prometheus, and no table of ours."""


def open_logins(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Lets each role that exists log in with its password. Run after the migrations; roles that they did not make are left out."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for role, password in passwords.items():
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                if role != EXPORTER:
                    continue
                connection.execute("CREATE ROLE exporter IN ROLE pg_monitor")
            order = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            connection.execute(order)


def main() -> None:
    """For containers: `SAFE_RETURN_LOGINS_DIR` holds a file a role, its password. Raises KeyError where a setting is missing."""
    folder = Path(os.environ["SAFE_RETURN_LOGINS_DIR"])
    open_logins(os.environ["SAFE_RETURN_ADMIN_DATABASE"], {file.name: file.read_text() for file in folder.iterdir()})


if __name__ == "__main__":
    main()
