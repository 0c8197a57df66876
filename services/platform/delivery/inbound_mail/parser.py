"""Parses a mail that anybody may have written, within bounds that no honest mail reaches.

The standard library's parser asks each line of every enclosing part, and reads addresses and parameters in quadratic
time: a mail of a few kilobytes could hold up everything else in a service for minutes. No mail is refused for the size
of its headers: those of DKIM, ARC and Microsoft's filters come to 25 kB in honest mails, and none of them is read here.
"""

from collections.abc import Callable
from email.message import Message
from email.parser import BytesHeaderParser, BytesParser
from typing import Any

from services.platform.runtime.logs import logger

PARTS_AT_MOST, DEEP_AT_MOST = 100, 20
LINES_AT_MOST = 50_000
"""Twice the lines of 2 MB in base64, the largest mail that the listener takes."""
HEADERS_AT_MOST, HEADER_AT_MOST = 200, 2048
"""Headers of one part, and characters of one header. The rest is not read: in a long thread, the newest references."""
HEADER_BLOCK_AT_MOST = 64_000
"""Bytes that are searched for headers where nothing else is read."""


class TooInvolved(Exception):
    """The mail has more parts, or deeper ones, than any mail program writes."""


class Part(Message):
    """Keeps no more of its headers than will be read."""

    deep = 0

    def set_raw(self, name: str, value: str) -> None:
        """The parser calls it for each header."""
        if len(self) < HEADERS_AT_MOST:
            super().set_raw(name, value[:HEADER_AT_MOST])

    def attach(self, payload: Message) -> None:  # type: ignore[override] # the parser attaches nothing but its parts
        """The parser calls it for each part, before it reads the content."""
        if isinstance(payload, Part):
            payload.deep = self.deep + 1
            if payload.deep > DEEP_AT_MOST:
                raise TooInvolved
        super().attach(payload)


def parse(raw: bytes) -> tuple[Message, bool]:
    """Returns the mail, and whether it is whole. One beyond the bounds, or that breaks the parser, has its headers
    alone. Raises nothing.
    """
    lines = raw.count(b"\n") + raw.count(b"\r") - raw.count(b"\r\n")
    if lines <= LINES_AT_MOST:
        try:
            return BytesParser(_counting()).parsebytes(raw), True
        except TooInvolved:
            pass
        except Exception as error:  # noqa: BLE001 nobody knows all that the standard library raises
            logger().warning("a mail could not be parsed", error=type(error).__name__)
    try:
        return BytesHeaderParser(Part).parsebytes(raw[:HEADER_BLOCK_AT_MOST]), False
    except Exception:  # noqa: BLE001 as above
        return Part(), False


def _counting() -> Callable[..., Part]:
    """Makes the parts of one mail, and no more of them than an honest one has."""
    made = 0

    def part(**given: Any) -> Part:
        nonlocal made
        made += 1
        if made > PARTS_AT_MOST:
            raise TooInvolved
        return Part(**given)

    return part
