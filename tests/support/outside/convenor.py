"""What whoever convenes says from their authority's own system, signed, to a running stack."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import httpx
from standardwebhooks import Webhook

from infra.local.settings.secret_files import SecretFiles, webhook_secret
from infra.local.stack import Stack

SOURCE, SECRET = "/authorities/kestrel/social-care", "kestrel-social-care"


def convenor_says(stack: Stack, kind: str, child: str, **about: object) -> None:
    """As the example authority's own system; `child` is its reference. Happened now, in wall time."""
    now, name = datetime.now(UTC), str(uuid4())
    event = {
        "specversion": "1.0",
        "id": name,
        "source": SOURCE,
        "type": kind,
        "subject": f"kestrel/{child}",
        "time": now.isoformat(),
        "data": about,
    }
    body = json.dumps(event)
    headers = {
        "content-type": "application/cloudevents+json",
        "webhook-id": name,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SecretFiles(stack.layout.secrets).value(SECRET, webhook_secret)).sign(
            name, now, body
        ),
    }
    url = f"{stack.endpoints['casework']}/events"
    answer = httpx.post(url, content=body, headers=headers, timeout=90, trust_env=False)
    assert answer.status_code == 202, answer.text
