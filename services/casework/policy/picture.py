"""Draws a photograph anew, so that nothing but the picture is kept of the file. Pure."""

import re
import warnings
from io import BytesIO

from PIL import Image, ImageOps

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
