"""People who give commands with a code that the console gave them."""

import hashlib
from uuid import uuid4

import psycopg
import pytest

from tests.support.engines.database import Database
from tests.support.signatures import BUS_KEYS, KEYS


class CodedOperators:
    """Two people of the operator, and one of an authority, each with a code by their name."""

    def __init__(self, database: Database, role: str = "operator") -> None:
        self.names = [f"{each}-{uuid4().hex[:8]}" for each in "abc"]
        with psycopg.connect(database.admin_url) as connection:
            for name, authority in zip(self.names, ("all", "all", "kestrel"), strict=True):
                account, code = f"account-{uuid4()}", hashlib.sha256(name.encode()).digest()
                made = "(account, sign_in, name, role, authorities, password_seal, made_at)"
                values = "(%s, %s, 'N', %s, %s, 'x', now())"
                connection.execute(
                    f"INSERT INTO console.accounts {made} VALUES {values}", (account, name, role, [authority])
                )
                signed_in = "(token_hash, account, begun_at, used_at, proved_at, for_command)"
                connection.execute(
                    f"INSERT INTO console.sessions {signed_in} VALUES (%s, %s, now(), now(), now(), true)",
                    (code, account),
                )


def set_service(service: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its settings, as a command finds them."""
    settings = database.settings(service)
    secrets = {
        "master_key": "bW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW0=",
        "phone_key": "cHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHA=",
        "database": settings.database,
        "database_password": settings.database_password.get_secret_value(),
        "kafka": settings.kafka,
        "http_port": "1",
        "signing_key": KEYS[service],
        "bus_keys": BUS_KEYS,
    }
    for name, value in secrets.items():
        monkeypatch.setenv(f"SAFE_RETURN_{name.upper()}", value)
