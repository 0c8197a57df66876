"""Casework's pages in the test's own process, on the session's database."""

from base64 import b64encode
from collections.abc import AsyncGenerator, Collection
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import httpx
from fastapi import FastAPI
from PIL import Image
from sqlalchemy.ext.asyncio import AsyncEngine

from services.casework.settings import CaseworkSettings
from services.casework.web import pages
from services.options.register_upkeep.credentials import WRITABLE, Credential
from services.options.register_upkeep.endpoint import mount
from services.platform.register.operators import add_credential
from services.platform.runtime.clocks import Clocks
from services.platform.store.unit_of_work import Origin, Store
from services.safeguarding.identifiers import new_id
from tests.support.engines.database import Database

MADE = datetime(2026, 11, 27, tzinfo=UTC)
AHEAD = timedelta(days=3650)
"""Story time lies after every event of these tests."""


def casework(database: Database, engine: AsyncEngine, *, sandbox: bool = True) -> FastAPI:
    """With the keys of the `keyring` fixture."""
    own = {
        "sandbox": sandbox,
        "master_key": b64encode(b"m" * 32),
        "phone_key": b64encode(b"p" * 32),
    }
    settings = CaseworkSettings.model_validate(database.settings("casework").model_dump() | own)
    clocks = Clocks(AHEAD)
    return pages(Store(engine, origin=Origin("casework", clocks)), clocks, settings, [mount])


async def import_bearer(
    engine: AsyncEngine, authority: str, tables: Collection[str] = WRITABLE, *, token: str | None = None
) -> dict[str, str]:
    """The header of a token that imports for the authority, every table where none is named."""
    token = token or f"token-of-{authority}"
    credential = Credential(new_id("credential"), authority, frozenset(tables), MADE + timedelta(days=36500))
    async with Store(engine).transaction() as uow:
        await uow.fetch(add_credential(asdict(credential), token, MADE))
    return {"authorization": f"Bearer {token}"}


class ImportAuth(httpx.Auth):
    """Bears the token of the authority that the path names, unless the request bears another."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        _, room, authority, *_ = [*request.url.path.split("/"), "", ""]
        if room == "register" and "authorization" not in request.headers:
            request.headers.update(await import_bearer(self._engine, authority.replace("\x00", "")))
        yield request


def taken(kind: str = "JPEG", size: tuple[int, int] = (60, 40), **said: Any) -> bytes:
    """A photograph: red on the left, blue on the right. `said`: what else stands in the file, as Pillow names it."""
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (0, 0, size[0] // 2, size[1]))
    written = BytesIO()
    picture.save(written, kind, **said)
    return written.getvalue()
