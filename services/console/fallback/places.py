"""Puts a sealed pack in a place, and fetches it from there: a folder, or an address that takes PUT and gives GET."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import unquote

import httpx

from services.console.fallback.plan import Place
from services.console.fallback.seal import SealedPack

WITHIN_SECONDS = 20.0
PACK, SIGNATURE = "pack.html.age", "pack.html.age.sig"


class PlaceAway(Exception):
    """The place did not take or give the pack. The text names no address and no authority."""


async def put(place: Place, sealed: SealedPack) -> None:
    """In place of the last one. The pack first: a reader between the two meets a signature that does not fit."""
    files = {PACK: sealed.pack, SIGNATURE: sealed.signature}
    try:
        if place.scheme == "file":
            await asyncio.to_thread(_write, _folder(place), files)
        else:
            async with httpx.AsyncClient(timeout=WITHIN_SECONDS) as client:
                for name, content in files.items():
                    (await client.put(_below(place, name), content=content)).raise_for_status()
    except (OSError, httpx.HTTPError) as error:
        raise PlaceAway(type(error).__name__) from None


async def fetch(place: Place) -> SealedPack:
    """Raises PlaceAway where there is none."""
    try:
        if place.scheme == "file":
            folder = _folder(place)
            return SealedPack((folder / PACK).read_bytes(), (folder / SIGNATURE).read_bytes())
        async with httpx.AsyncClient(timeout=WITHIN_SECONDS) as client:
            pack, signature = [
                (await client.get(_below(place, name))).raise_for_status().content for name in (PACK, SIGNATURE)
            ]
        return SealedPack(pack, signature)
    except (OSError, httpx.HTTPError) as error:
        raise PlaceAway(type(error).__name__) from None


def _folder(place: Place) -> Path:
    return Path(unquote(place.path or "/"))


def _below(place: Place, name: str) -> str:
    """A query, such as a token of an object store, stays where it is."""
    address = httpx.URL(str(place))
    return str(address.copy_with(path=f"{address.path.rstrip('/')}/{name}"))


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name, content in files.items():
        unfinished = folder / f".{name}.{os.getpid()}"
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(folder / name)
