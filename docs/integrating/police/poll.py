"""Comes for notices, for a force that nothing can reach from outside. Beside it, receive.py verifies and keeps each.

    pip install standardwebhooks cryptography
    NOTICE_SECRET=whsec_... REPLY_SECRET=whsec_... python poll.py https://.../forces/<your force>/notices notices/

Once notices are stored, the next question names the cursor behind them: Safe Return then counts them as accepted.
"""

import json
import os
import sys
import time
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from receive import is_signed, keep
from standardwebhooks import Webhook

PAUSE_SECONDS = 2
CURSOR = Path(sys.argv[2]) / "cursor"


def ask(url: str, after: str) -> dict:
    """What is signed in place of a body is the path with its query."""
    target, now, name = f"{urlsplit(url).path}?after={after}", datetime.now(UTC), f"poll_{uuid.uuid4().hex}"
    headers = {
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(os.environ["REPLY_SECRET"]).sign(name, now, target),
    }
    request = urllib.request.Request(f"{url}?after={after}", headers=headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def take(url: str) -> None:
    answer = ask(url, CURSOR.read_text() if CURSOR.exists() else "0")
    for notice in answer["notices"]:
        body = notice["body"].encode()
        if not is_signed(body, notice["headers"]):
            raise SystemExit("a notice is not signed by Safe Return: ring the authority")
        keep(notice["headers"]["webhook-id"], body)
    CURSOR.write_text(answer["after"])


if __name__ == "__main__":
    CURSOR.parent.mkdir(exist_ok=True)
    while True:
        try:
            take(sys.argv[1])
        except OSError as error:
            print(f"not reached: {error}", file=sys.stderr)
        time.sleep(PAUSE_SECONDS)
