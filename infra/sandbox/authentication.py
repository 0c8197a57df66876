"""Heads each mail with a verdict on its sender (Authentication-Results, RFC 8601), as an authority's relay does."""

from email import message_from_bytes
from email.policy import compat32
from email.utils import parseaddr

AUTHSERV_ID = "mail.sandbox"
"""The name that the sandbox's relay gives itself."""
HEADER = "Authentication-Results"


def stamped(mail: bytes, sender: str) -> bytes:
    """Removes verdicts that came in this relay's own name. SPF passes for the domain of `sender`, the envelope's, since
    nobody but the sandbox's own people mails here. DMARC passes if the mail is from that domain.
    """
    domain = sender.rpartition("@")[2].lower()
    claimed = parseaddr(str(message_from_bytes(mail, policy=compat32)["From"] or ""))[1].rpartition("@")[2].lower()
    passes = "pass" if domain and domain == claimed else "fail" if domain else "none"
    spf = f"spf=pass smtp.mailfrom={domain}" if domain else "spf=none smtp.mailfrom="
    said = f"{HEADER}: {AUTHSERV_ID}; {spf}; dmarc={passes} header.from={claimed}"
    end = b"\r\n" if b"\r\n" in mail else b"\n"
    head, blank, body = mail.partition(end * 2)
    return said.encode() + end + _without_own(head, end) + blank + body


def _without_own(head: bytes, end: bytes) -> bytes:
    """A header continues on lines that begin with a space or a tab."""
    kept: list[bytes] = []
    own = False
    for line in head.split(end):
        if line[:1] not in {b" ", b"\t"}:
            name, _, value = line.partition(b":")
            own = name.strip().lower() == HEADER.lower().encode() and AUTHSERV_ID.encode() in value.lower()
        if not own:
            kept.append(line)
    return end.join(kept)
