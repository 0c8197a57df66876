"""Takes a child's photograph, so that police have it the moment the child is missing (S57).

It is drawn anew, so that nothing but the picture is kept of the file, and encrypted under the child's key.
"""

import asyncio
import contextlib
import re
import warnings
from datetime import date, datetime
from http import HTTPStatus
from io import BytesIO

from PIL import Image, ImageOps
from pydantic import TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from services.options.register_upkeep.credentials import PHOTOGRAPHS, Bearers
from services.platform.register.keys import data_key
from services.platform.register.police_notice import PICTURE
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.problems import Problem, body_within, media_type_of
from services.platform.store.encryption import Keyring
from services.platform.store.query import Query, scalar
from services.platform.store.unit_of_work import Store, UnitOfWork
from services.safeguarding.identifiers import AuthorityId, ChildId
from services.safeguarding.working_time import Day, day_in_england

KINDS = {"image/jpeg": ("JPEG", "RGB"), "image/png": ("PNG", "RGBA")}
PICTURE_BYTES = 5_000_000
MOST_PIXELS = 25_000_000
"""Drawn at once they take a hundred megabytes."""
MOST_SCANS = 30
"""Every scan of a JPEG passes over all pixels, and a file of this size can hold hundreds of thousands. Programs write
ten; eighteen in four colours.
"""
SEGMENT = re.compile(rb"\xff([\xc0-\xcf\xd9-\xfe])")
SCAN, END = b"\xda", b"\xd9"
LONGEST_SIDE = 2_000
# Pillow warns of each faulty tag: a log line each, and Python would remember each text for ever.
warnings.filterwarnings("ignore", module="PIL")
WANTED = "a JPEG or PNG photograph of at most 5 MB and 25 million pixels is needed"


class NoPhotograph(ValueError):
    """The file cannot be drawn. The text says what is wanted."""


def redrawn(content: bytes, media_type: str) -> bytes:
    """The first frame, upright, at most LONGEST_SIDE long, without place, time, device, comment or what follows the
    picture. `media_type` is one of KINDS. Raises NoPhotograph.
    """
    kind, mode = KINDS[media_type]
    if kind == "JPEG" and _has_too_many_scans(content):
        raise NoPhotograph(f"{WANTED}: this has more than {MOST_SCANS} scans. Save it as a baseline JPEG")
    drawn = BytesIO()
    try:
        with Image.open(BytesIO(content), formats=[kind]) as opened:
            size = opened.size
            if size[0] * size[1] <= MOST_PIXELS:
                opened.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
                upright = ImageOps.exif_transpose(opened).convert(mode)
                upright.info.clear()
                upright.save(drawn, kind, quality=90)
    except Exception as error:  # a decoder fails in many ways on what is no picture
        raise NoPhotograph(f"{WANTED}: this is not one, or a part of it is missing") from error
    if not drawn.getvalue():
        raise NoPhotograph(f"{WANTED}: this has {size[0]} times {size[1]}")
    return drawn.getvalue()


def _has_too_many_scans(content: bytes) -> bool:
    """Counted as the decoder does: to the picture's end, and without those of a preview, which lies in a segment."""
    at, scans = 0, 0
    while scans <= MOST_SCANS and (found := SEGMENT.search(content, at)) and found[1] != END:
        scans += found[1] == SCAN
        at = found.end() + int.from_bytes(content[found.end() : found.end() + 2])
    return scans > MOST_SCANS


CHILD = "SELECT id FROM register.children WHERE authority = %(authority)s AND reference = %(reference)s"
KEEP = """
    INSERT INTO register.photographs (child, picture, media_type, taken_on, stored_at)
    VALUES (%(child)s, %(picture)s, %(media_type)s, %(taken_on)s, %(at)s)
    ON CONFLICT (child) WHERE removed_at IS NULL DO UPDATE SET picture = excluded.picture,
        media_type = excluded.media_type, taken_on = excluded.taken_on, stored_at = excluded.stored_at
"""
REMOVE = "DELETE FROM register.photographs WHERE child = %(child)s AND removed_at IS NULL"
"""Where its child's records are held, the database keeps it, and shows it to nobody."""


def child_by_reference(authority: AuthorityId, reference: str) -> Query[ChildId | None]:
    """`reference` is the authority's own."""
    return Query(CHILD, {"authority": authority, "reference": reference}, scalar)


async def keep_photograph(
    uow: UnitOfWork,
    keyring: Keyring,
    child: ChildId,
    content: bytes,
    media_type: str,
    taken_on: date | None,
    at: datetime,
) -> None:
    """Replaces an earlier one. `at` is story time."""
    key = await data_key(uow.connection, keyring, child)
    picture = key.close_bytes(content, PICTURE)
    row = {"child": child, "picture": picture, "media_type": media_type, "taken_on": taken_on, "at": at}
    uow.write(KEEP, row)


def remove_photograph(uow: UnitOfWork, child: ChildId) -> None:
    uow.write(REMOVE, {"child": child})


DAY = TypeAdapter[date](Day)


class PhotographEndpoint:
    """Commits before it answers. Raises Problem if it refuses."""

    def __init__(self, store: Store, clocks: Clocks, keyring: Keyring, bearers: Bearers) -> None:
        self._store, self._clocks, self._keyring, self._bearers = store, clocks, keyring, bearers
        self._one_at_a_time = asyncio.Semaphore(1)

    async def take_photograph(self, request: Request, authority: str, reference: str) -> Response:
        """A child's photograph, replacing an earlier one. Police see it by a link while the child is searched for."""
        await self._bearers.credential(request, authority, (PHOTOGRAPHS,))
        media_type = media_type_of(request)
        if media_type not in KINDS:
            raise Problem(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "Not a photograph", f"{WANTED}.")
        taken_on = _day(request.query_params.get("taken_on"), self._clocks.story())
        try:
            async with self._bearers.upload(authority):
                content = await body_within(request, PICTURE_BYTES)
                async with self._one_at_a_time:
                    drawn = await asyncio.to_thread(redrawn, content, media_type)
        except NoPhotograph as wrong:
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a photograph", f"{wrong}.", field="body") from None
        async with self._store.transaction([authority]) as uow:
            child = await self._child(uow, authority, reference)
            at = self._clocks.story()
            await keep_photograph(uow, self._keyring, child, drawn, media_type, taken_on, at)
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def remove_photograph(self, request: Request, authority: str, reference: str) -> Response:
        """No answer tells whether there was one."""
        await self._bearers.credential(request, authority, (PHOTOGRAPHS,))
        async with self._store.transaction([authority]) as uow:
            remove_photograph(uow, await self._child(uow, authority, reference))
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def _child(self, uow: UnitOfWork, authority: str, reference: str) -> ChildId:
        child = await uow.fetch(child_by_reference(authority, reference))
        if child is None:
            raise Problem(HTTPStatus.NOT_FOUND, "No such child", "The authority has no child of this reference.")
        return child


def _day(given: str | None, now: datetime) -> date | None:
    if given is None:
        return None
    with contextlib.suppress(ValidationError):
        day = DAY.validate_strings(given)
        if day <= day_in_england(now):
            return day
    detail = "taken_on must be the day on which it was taken, YYYY-MM-DD, neither in the future nor before 1900."
    raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "Not a day", detail, field="taken_on")
