"""Of a file that is sent as a photograph the picture alone goes on, and none takes more than its share."""

import struct
import zlib
from io import BytesIO
from subprocess import run
from sys import executable

import pytest
from PIL import Image
from PIL.ExifTags import GPS, IFD, Base
from PIL.PngImagePlugin import PngInfo

from services.options.register_upkeep.photographs import LONGEST_SIDE, MOST_SCANS, NoPhotograph, redrawn
from tests.support.in_process.casework import taken

SECRET = "51.4545 Fernside 07700900123"
PAYLOAD = b"PK\x03\x04<script>alert(1)</script>"
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}


def exif(orientation: int = 1) -> bytes:
    said = Image.Exif()
    said[Base.Orientation] = orientation
    said[Base.ImageDescription] = SECRET
    said.get_ifd(IFD.GPSInfo)[GPS.GPSLatitudeRef] = SECRET
    return said.tobytes()


def text_of_png() -> PngInfo:
    said = PngInfo()
    said.add_text("Comment", SECRET)
    return said


def opened(content: bytes) -> Image.Image:
    found = Image.open(BytesIO(content))
    found.load()
    return found


def is_red(drawn: Image.Image, across: int, down: int) -> bool:
    red, _, blue = drawn.convert("RGB").crop((across, down, across + 1, down + 1)).tobytes()
    return red > blue + 100


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few bytes that says it is so large."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("JPEG", taken("JPEG", exif=exif(), comment=SECRET, icc_profile=SECRET.encode(), xmp=SECRET.encode())),
        ("PNG", taken("PNG", exif=exif(), pnginfo=text_of_png(), icc_profile=SECRET.encode())),
        ("JPEG", taken("JPEG") + PAYLOAD),
        ("PNG", taken("PNG") + PAYLOAD),
    ],
    ids=["jpeg that says where", "png that says where", "jpeg that is an archive too", "png that is an archive too"],
)
def test_the_picture_goes_on_and_nothing_else(kind: str, content: bytes) -> None:
    assert SECRET.encode() in content or PAYLOAD in content
    drawn = redrawn(content, TYPES[kind])
    assert SECRET.encode() not in drawn
    assert PAYLOAD not in drawn
    found = opened(drawn)
    assert (found.format, found.size, dict(found.getexif())) == (kind, (60, 40), {})
    assert set(found.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert is_red(found, 5, 20)
    assert not is_red(found, 55, 20)


def test_a_picture_that_was_taken_lying_down_stands_up() -> None:
    found = opened(redrawn(taken("JPEG", exif=exif(orientation=6)), "image/jpeg"))
    assert found.size == (40, 60)
    assert is_red(found, 20, 5), "its left side is above"
    assert not is_red(found, 20, 55)


def test_one_that_is_larger_than_a_screen_is_made_smaller() -> None:
    assert opened(redrawn(taken("JPEG", (4 * LONGEST_SIDE, 400)), "image/jpeg")).size == (LONGEST_SIDE, 100)


def test_of_a_film_the_first_frame_goes_on() -> None:
    film = taken("PNG", save_all=True, append_images=[Image.new("RGB", (60, 40), "green")] * 50)
    assert getattr(opened(film), "n_frames", 1) == 51
    assert getattr(opened(redrawn(film, "image/png")), "n_frames", 1) == 1


@pytest.mark.parametrize(
    ("content", "media_type"),
    [
        (bomb(30_000, 30_000), "image/png"),
        (bomb(6_000, 6_000), "image/png"),
        (taken("PNG")[:-100], "image/png"),
        (taken("JPEG")[:-100], "image/jpeg"),
        (taken("PNG"), "image/jpeg"),
        (taken("GIF"), "image/png"),
        (b"<html>", "image/png"),
        (b"\xff\xd8\xff\xe0" + b"picture" * 40 + b"\xff\xd9", "image/jpeg"),
        (b"", "image/jpeg"),
    ],
    ids=["bomb", "smaller bomb", "cut png", "cut jpeg", "of another kind", "gif", "page", "frame alone", "nothing"],
)
def test_what_cannot_be_drawn_is_refused_with_what_is_wanted(content: bytes, media_type: str) -> None:
    with pytest.raises(NoPhotograph, match="at most 5 MB and 25 million pixels"):
        redrawn(content, media_type)


def test_what_is_too_large_is_never_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image.Image, "thumbnail", lambda *_: pytest.fail("it was drawn"))
    with pytest.raises(NoPhotograph, match="6000 times 6000"):
        redrawn(bomb(6_000, 6_000), "image/png")


def in_scans(count: int) -> bytes:
    """A progressive JPEG whose last scan is repeated until there are so many."""
    whole = taken("JPEG", progressive=True)
    first, last = whole.index(SCAN), whole.rindex(SCAN)
    again = whole[last:-2] * (count - whole.count(SCAN))
    assert whole.count(SCAN, first) == 10
    return whole[:-2] + again + whole[-2:]


def test_faulty_tags_are_neither_logged_nor_remembered() -> None:
    """There may be 65,535 of them, each with a warning of its own. pytest has filters of its own."""
    tag = struct.pack("<HHHIII", 1, 0x2000, 7, 1000, 8, 0)
    draw = "from sys import stdin; from services.options.register_upkeep.photographs import redrawn; redrawn(stdin.buffer.read(), 'image/jpeg')"
    said = "from PIL.TiffImagePlugin import __warningregistry__ as told; print({*told} - {'version'})"
    photograph = taken("JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0" + tag)
    done = run([executable, "-c", f"{draw}; {said}"], input=photograph, capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"set()\n", b"")


SCAN = b"\xff\xda"
PREVIEW = b"Exif\0\0" + SCAN * 1000
OTHER_SEGMENT = b"\xff\xe1" + struct.pack(">H", len(PREVIEW) + 2) + PREVIEW


@pytest.mark.parametrize(
    "content",
    [
        in_scans(MOST_SCANS),
        in_scans(10)[:2] + OTHER_SEGMENT + in_scans(10)[2:],
        in_scans(10) + SCAN * 1000,
    ],
    ids=["as many as may be", "in a preview", "after the picture"],
)
def test_a_picture_in_several_scans_is_drawn(content: bytes) -> None:
    assert opened(redrawn(content, "image/jpeg")).size == (60, 40)


@pytest.mark.parametrize(
    "between", [b"", b"\xff" * 9, b"\xff\x02\x00\x20"], ids=["plain", "filled", "after a marker that is none"]
)
def test_one_of_more_scans_is_never_opened(monkeypatch: pytest.MonkeyPatch, between: bytes) -> None:
    """Each passes over every pixel: 5 MB of them would take hours."""
    monkeypatch.setattr(Image, "open", lambda *_, **__: pytest.fail("it was opened"))
    with pytest.raises(NoPhotograph, match=f"more than {MOST_SCANS} scans. Save it as a baseline JPEG"):
        redrawn(in_scans(MOST_SCANS + 1).replace(SCAN, between + SCAN), "image/jpeg")
