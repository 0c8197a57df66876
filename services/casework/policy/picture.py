"""Checks that an upload is a photograph that a control room can open. Pure."""

PNG = b"\x89PNG\r\n\x1a\n"
JPEG = b"\xff\xd8\xff"
KINDS = {"image/jpeg": JPEG, "image/png": PNG}
PICTURE_BYTES = 5_000_000
WANTED = "a JPEG or PNG photograph of at most 5 MB is needed"


def fault(content: bytes, media_type: str) -> str | None:
    """A sentence with the correct form, or None. The content must match its media type."""
    begins = KINDS.get(media_type)
    if begins is None:
        return f"{WANTED}: the content type must be image/jpeg or image/png"
    ends = content.rstrip(b"\x00").endswith(b"\xff\xd9") if begins is JPEG else content[-8:-4] == b"IEND"
    return None if content.startswith(begins) and ends else f"{WANTED}: this is not one, or a part of it is missing"
