"""The connection to PostgreSQL. Each service logs in under its own role and sees its own schema first."""

from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from services.runtime.settings import Settings


def database_url(settings: Settings, role: str) -> URL:
    password = settings.database_password.get_secret_value()
    return make_url(settings.database).set(drivername="postgresql+psycopg", username=role, password=password)


def connect(settings: Settings, role: str) -> AsyncEngine:
    """Lazy: nothing is opened before the first statement. A lost connection is noticed at use, and the work repeated."""
    timeouts: dict[str, Any] = {
        "connect_timeout": 3,
        "options": "-c statement_timeout=20000 -c idle_in_transaction_session_timeout=30000 -c lock_timeout=10000",
        "tcp_user_timeout": 10000,
        "application_name": role,
    }
    return create_async_engine(
        database_url(settings, role),
        pool_size=settings.database_connections,
        max_overflow=0,  # one beyond the pool would be opened and closed each time, and opening costs more than any work here
        pool_timeout=10,
        pool_pre_ping=False,
        hide_parameters=True,  # an error's text would carry the values of the statement that failed
        connect_args=timeouts,
    )
