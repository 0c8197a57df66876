"""Gives the services' roles LOGIN and their passwords, and makes the archive's role. Migrations do neither."""

import os
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql

from infra.postgres.backup import BACKUPS

EXPORTER = "exporter"
"""Reads the server's statistics for Prometheus, and no table of ours."""


def open_logins(admin_url: str, passwords: Mapping[str, str]) -> None:
    """Lets each role log in with its password. Run after the migrations: roles that they did not make are left out."""
    with psycopg.connect(admin_url, autocommit=True) as connection:
        for role, password in passwords.items():
            if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone() is None:
                if role != EXPORTER:
                    continue
                connection.execute("CREATE ROLE exporter IN ROLE pg_monitor")
            order = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}").format(sql.Identifier(role), sql.Literal(password))
            connection.execute(order)


def open_backups(admin_url: str, password: str) -> None:
    """Makes the login of `infra.postgres keep`. It may copy the whole database and end a segment of WAL, and reads only
    the list of what was erased.
    """
    with psycopg.connect(admin_url) as connection:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [BACKUPS]).fetchone() is None:
            connection.execute("CREATE ROLE backups")
        connection.execute(sql.SQL("ALTER ROLE backups LOGIN REPLICATION PASSWORD {}").format(sql.Literal(password)))
        connection.execute("GRANT EXECUTE ON FUNCTION pg_switch_wal() TO backups")
        connection.execute("GRANT USAGE ON SCHEMA disposal TO backups; GRANT SELECT ON disposal.destroyed TO backups")


def main() -> None:
    """For containers: `SAFE_RETURN_LOGINS_DIR` has a file with the password for each role. Raises KeyError if a setting
    is missing.
    """
    folder = Path(os.environ["SAFE_RETURN_LOGINS_DIR"])
    passwords = {file.name: file.read_text() for file in folder.iterdir()}
    if BACKUPS in passwords:
        open_backups(os.environ["SAFE_RETURN_ADMIN_DATABASE"], passwords.pop(BACKUPS))
    open_logins(os.environ["SAFE_RETURN_ADMIN_DATABASE"], passwords)


if __name__ == "__main__":
    main()
