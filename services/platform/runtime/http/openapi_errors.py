"""Describes a route's answers, its problem documents among them, in its service's OpenAPI document."""

from pathlib import Path
from typing import Any, TypeAlias

import yaml

from services.platform.runtime.http.problems import MEDIA_TYPE

Answers: TypeAlias = dict[int | str, dict[str, Any]]
"""As FastAPI takes them, under `responses`."""
WRITTEN = yaml.load(Path(__file__).with_suffix(".yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
BY_ALL = (408, 503)
"""Every storing route may answer these."""


def refusals(*statuses: int) -> Answers:
    """Descriptions of refusals with these statuses, and those of `BY_ALL`."""
    content = {MEDIA_TYPE: {"schema": WRITTEN["problem"]}}
    found = (*statuses, *BY_ALL)
    return {status: {"description": WRITTEN["refusals"][status], "content": content} for status in found}


def read_routes(module: str) -> dict[str, dict[str, Any]]:
    """By route, FastAPI's `openapi_extra` and `responses`: the `request`, `answers` and statuses `refused` that the
    YAML file beside a module writes.
    """
    written = yaml.load(Path(module).with_suffix(".yaml").read_text(encoding="utf-8"), yaml.CSafeLoader)
    return {
        route: {
            "openapi_extra": each.get("request", {}),
            "responses": each.get("answers", {}) | refusals(*each.get("refused", ())),
        }
        for route, each in written.items()
    }


def header(name: str, description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": True, "description": description, "schema": {"type": "string"}}


SIGNED = [header(name, description) for name, description in WRITTEN["signed"].items()]
