"""A log line keeps the fields of the closed list alone, so whoever logs another loses it without a word."""

import ast
from pathlib import Path

from services.platform.runtime.logs import FIELDS

SERVICES = Path(__file__).parents[3] / "services"


def test_every_field_that_a_service_logs_is_on_the_list() -> None:
    texts = {file: file.read_text() for file in SERVICES.rglob("*.py")}
    calls = [
        (file, call)
        for file, text in texts.items()
        if "logger()." in text
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("logger().")
    ]
    allowed = {*FIELDS, "exc_info", None}
    assert calls
    assert not [f"{file}:{call.lineno}" for file, call in calls if {each.arg for each in call.keywords} - allowed]
