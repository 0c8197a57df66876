"""Draws a photograph anew, so that nothing but the picture is kept of the file. Pure."""

from io import BytesIO

from PIL import Image, ImageOps

KINDS = {"image/jpeg": ("JPEG", "RGB"), "image/png": ("PNG", "RGBA")}
PICTURE_BYTES = 5_000_000
MOST_PIXELS = 25_000_000
"""Drawn at once they take a hundred megabytes."""
LONGEST_SIDE = 2_000
WANTED = "a JPEG or PNG photograph of at most 5 MB and 25 million pixels is needed"


class NoPhotograph(ValueError):
    """The file cannot be drawn. The text says what is wanted."""


def redrawn(content: bytes, media_type: str) -> bytes:
    """The first frame, upright, at most LONGEST_SIDE long, without place, time, device, comment or what follows the
    picture. `media_type` is one of KINDS. Raises NoPhotograph.
    """
    kind, mode = KINDS[media_type]
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
