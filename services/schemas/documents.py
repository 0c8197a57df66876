"""Lists every document of `schemas/`."""

import json
from pathlib import Path
from typing import Any

import yaml

from services.safeguarding.contracts import contracts
from services.schemas import asyncapi, openapi, rules_file
from services.schemas.examples import example
from services.schemas.messages import ENVELOPE, content_schema, path_of

FOLDER = Path(__file__).parents[2] / "schemas"


def documents() -> dict[str, str]:
    """Each document's text by its path under `schemas/`."""
    rendered: dict[str, Any] = {
        "envelope.json": ENVELOPE,
        "protocol.json": rules_file.schema(),
        "openapi/police-webhooks.json": openapi.police_webhooks(),
    }
    for contract in contracts().values():
        rendered[path_of(contract)] = content_schema(contract)
        rendered[f"examples/{contract.kind}.json"] = example(contract)
    rendered |= {f"openapi/{service}.json": each for service, each in openapi.documents().items()}
    texts = {path: json.dumps(each, indent=2, ensure_ascii=False) + "\n" for path, each in rendered.items()}
    texts["asyncapi.yaml"] = yaml.safe_dump(asyncapi.document(), sort_keys=False, allow_unicode=True, width=120)
    return texts
