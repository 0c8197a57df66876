"""Tells Safe Return that an officer has a notice. The reference may come with it, or later.

NOTICE_FILE=notices/<id>.json REPLY_SECRET=whsec_... python acknowledge.py https://.../forces/<your force>/replies
"""

import json
import os
import sys
import urllib.request
import uuid
from datetime import UTC, datetime
from pathlib import Path

from standardwebhooks import Webhook

notice = json.loads(Path(os.environ["NOTICE_FILE"]).read_text())
now = datetime.now(UTC)
body = json.dumps(
    {
        "type": "police.acknowledged",
        "timestamp": now.isoformat(),
        "data": {
            "notice": notice["data"]["notice"],
            "episode": notice["data"]["episode"],
            "officer": {"name": "PC Adeyemi", "collar_number": "NP 4127"},
            "reference": "NP-20261124-0042",
            "reference_kind": "missing-person",
        },
    }
)
# One id a reply. Repeat the same bytes under the same id until the answer is 2xx: it has one effect.
reply_id = f"msg_{uuid.uuid4().hex}"
headers = {
    "content-type": "application/json",
    "webhook-id": reply_id,
    "webhook-timestamp": str(int(now.timestamp())),
    "webhook-signature": Webhook(os.environ["REPLY_SECRET"]).sign(reply_id, now, body),
}
request = urllib.request.Request(sys.argv[1], data=body.encode(), headers=headers, method="POST")
with urllib.request.urlopen(request, timeout=10) as answer:
    print(answer.status)
