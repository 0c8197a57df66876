"""Names the authorities whose rows a transaction may see. The database holds it to them (baseline/walls.sql, decision 77)."""

from collections.abc import Iterable

from sqlalchemy import Connection

EVERY = "all"
"""The word for every authority, as an account has it."""
SETTING = "safe_return.authorities"
NARROW = f"SELECT set_config('{SETTING}', %s::text[]::text, true)"
"""Until the end of the transaction; of a single statement without BEGIN, until the end of its round trip."""
AT_LOGIN = f"-c {SETTING}={{{EVERY}}}"
"""How a service's own connections begin: its loops and its messages are every authority's. A login without it sees none."""
OPTION = "safe_return_authorities"


def narrow(connection: Connection | None, authorities: Iterable[str]) -> None:
    """Of a connection that is taken out for one transaction or read."""
    if connection is not None:
        connection.execution_options(**{OPTION: sorted(authorities)})


def narrowed_to(connection: Connection | None) -> list[str] | None:
    """None: as the login has it."""
    return None if connection is None else connection.get_execution_options().get(OPTION)
