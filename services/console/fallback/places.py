"""Puts a sealed pack in a place, and fetches it from there."""

import asyncio
from io import BytesIO

from services.console.fallback.seal import SealedPack
from services.platform.runtime.places.place import Place, open_place

PACK, SIGNATURE = "pack.html.age", "pack.html.age.sig"


async def put(place: Place, sealed: SealedPack) -> None:
    """In place of the last one. The pack first: a reader between the two meets a signature that does not fit. Raises
    PlaceAway.
    """
    for name, content in ((PACK, sealed.pack), (SIGNATURE, sealed.signature)):
        await asyncio.to_thread(open_place(place).put, name, BytesIO(content))


async def fetch(place: Place) -> SealedPack:
    """Raises PlaceAway where there is none."""
    pack, signature = BytesIO(), BytesIO()
    for name, into in ((PACK, pack), (SIGNATURE, signature)):
        await asyncio.to_thread(open_place(place).fetch, name, into)
    return SealedPack(pack.getvalue(), signature.getvalue())
