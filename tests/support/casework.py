"""Casework's pages in the test's own process, on the session's database."""

from base64 import b64encode
from datetime import timedelta

from fastapi import FastAPI
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework.settings import CaseworkSettings
from services.casework.web import pages
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Origin, Store
from tests.support.database import Database

TOKEN = "the-token-of-whoever-keeps-the-register"
AHEAD = timedelta(days=3650)
"""Story time lies after every event of these tests."""


def casework(database: Database, engine: AsyncEngine, *, sandbox: bool = True) -> FastAPI:
    """With the keys of the `keyring` fixture."""
    own = {
        "sandbox": sandbox,
        "master_key": b64encode(b"m" * 32),
        "phone_key": b64encode(b"p" * 32),
        "register_token": TOKEN,
    }
    settings = CaseworkSettings.model_validate(database.settings("casework").model_dump() | own)
    clocks = Clocks(AHEAD)
    return pages(Store(engine, origin=Origin("casework", clocks)), clocks, settings)
