"""Mail as the authority's relay hands it over: with its word, above everything else, on whose it is."""

from email import message_from_bytes
from email.utils import parseaddr

RELAY = "mx.kestrel.example"
"""The name that the tests' relay gives itself in Authentication-Results."""


def vouched(raw: bytes) -> bytes:
    """The relay found that the mail's own domain sent it."""
    domain = parseaddr(str(message_from_bytes(raw)["From"] or ""))[1].rpartition("@")[2].lower()
    return says(raw, f"spf=pass smtp.mailfrom={domain}; dmarc=pass (p=reject) header.from={domain}")


def says(raw: bytes, results: str) -> bytes:
    """The relay found something else."""
    return f"Authentication-Results: {RELAY}; {results}\r\n".encode() + raw
