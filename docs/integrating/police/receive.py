"""A receiver of missing notices, whole: verifies, keeps each notice once, answers at once. Beside it, acknowledge.py acknowledges.

    pip install standardwebhooks cryptography
    NOTICE_SECRET=whsec_... python receive.py 8080 notices/        (or whpk_..., Safe Return's public key)

`notices/` is where they are kept, one file a notice; a real control room hands them to its incident system instead.
"""

import os
import sys
import time
import uuid
from base64 import b64decode
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError

LONGEST_BODY = 1_000_000
TOLERANCE_SECONDS = 300
# During a change of secrets: two, with a space between them. Either is good.
KEYS = os.environ["NOTICE_SECRET"].split()
KEPT = Path(sys.argv[2])


def is_signed(body: bytes, headers: Mapping[str, str]) -> bool:
    """Signature and age (5 minutes at most), by the published library. Each of these errors means "no"."""
    for key in KEYS:
        try:
            if key.startswith("whpk_"):
                verify_with_public_key(key, body, headers)
            else:
                Webhook(key).verify(body, dict(headers))
        except (WebhookVerificationError, InvalidSignature, ValueError, KeyError, TypeError):
            continue
        return True
    return False


def verify_with_public_key(key: str, body: bytes, headers: Mapping[str, str]) -> None:
    """`v1a` of Standard Webhooks, which the library does not know: Ed25519 over the id, the time and the body."""
    if abs(time.time() - int(headers["webhook-timestamp"])) > TOLERANCE_SECONDS:
        raise ValueError("too old")
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    public = Ed25519PublicKey.from_public_bytes(b64decode(key.removeprefix("whpk_")))
    for signature in headers["webhook-signature"].split():
        if signature.startswith("v1a,"):
            return public.verify(b64decode(signature.removeprefix("v1a,")), signed)
    raise ValueError("no v1a")


def keep(notice_id: str, body: bytes) -> bool:
    """True the first time. Safe Return repeats a notice under the same id until it is told 2xx: it is one notice."""
    file = KEPT / f"{uuid.UUID(notice_id)}.json"
    if file.exists():
        return False
    draft = file.with_suffix(".draft")
    with draft.open("wb") as opened:
        opened.write(body)
        opened.flush()
        os.fsync(opened.fileno())
    draft.rename(file)
    return True


class Notices(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        if not 0 < length <= LONGEST_BODY:
            return self.answer(413)
        body = self.rfile.read(length)
        if not is_signed(body, self.headers):
            return self.answer(401)
        # Kept before it is answered: 2xx says that it is safe with you. Nobody has to have read it yet.
        keep(self.headers["webhook-id"], body)
        return self.answer(204)

    def answer(self, status: int) -> None:
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """A notice names a child: nothing of it belongs in a log."""


if __name__ == "__main__":
    KEPT.mkdir(exist_ok=True)
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Notices).serve_forever()
