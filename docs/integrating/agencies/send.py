"""Tells Safe Return that a child is missing, and does not give up until it has been taken. Needs `pip install standardwebhooks`.

SAFE_RETURN_URL=https://... SAFE_RETURN_SOURCE=/agencies/... SAFE_RETURN_SECRET=whsec_... python send.py <child> <words>
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
import uuid
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

PAUSES_SECONDS = (0, 2, 5, 10, 20, 30, 60)


def report(child: str, words: str, now: datetime) -> dict[str, Any]:
    """`child` is the authority's reference, or whatever you call the child: one that nobody knows is no reason to wait."""
    return {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),  # yours for ever: keep it, and send the same event again under the same id
        "source": os.environ["SAFE_RETURN_SOURCE"],
        "type": "child.reported-missing.v1",
        "subject": child,
        "time": now.isoformat(),  # when the child was found missing, with its zone
        "data": {"words": [words]},
    }


def send(event: dict[str, Any]) -> dict[str, Any]:
    """What Safe Return answered. Raises SystemExit where a person must telephone instead."""
    body = json.dumps(event)
    for pause in PAUSES_SECONDS:
        time.sleep(pause)
        try:
            return post(body, event["id"])
        except urllib.error.HTTPError as refused:
            if refused.code not in (408, 429) and refused.code < 500:
                raise SystemExit(f"refused, so telephone: {refused.read().decode()}") from None
        except OSError:
            continue
    raise SystemExit("not reached, so telephone the duty team; this event may still be sent again under its id")


def post(body: str, message_id: str) -> dict[str, Any]:
    """Signs anew at each attempt, since a signature is good for five minutes."""
    now = datetime.now(UTC)
    headers = {
        "content-type": "application/cloudevents+json",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(os.environ["SAFE_RETURN_SECRET"]).sign(message_id, now, body),
    }
    request = urllib.request.Request(os.environ["SAFE_RETURN_URL"] + "/events", body.encode(), headers)
    with urllib.request.urlopen(request, timeout=10) as answer:
        taken: dict[str, Any] = json.load(answer)
        return taken


if __name__ == "__main__":
    print(json.dumps(send(report(sys.argv[1], sys.argv[2], datetime.now(UTC)))))
