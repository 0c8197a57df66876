"""What a process prints: of a log line the fields of the closed list alone, of an error its class and its place, never its text."""

import ast
import json
import subprocess
import sys
from pathlib import Path

from services.platform.runtime.logs import FIELDS

ROOT = Path(__file__).parents[3]
NAME = "Xanthippe Quillfeather"
"""What no line may hold: in each of the lines below it is the text of an error, or one of a library's values."""
EVERY_WAY = f"""
import logging, threading, warnings
from services.platform.runtime import logs

name = {NAME!r}

class Unruly:
    def __del__(self):
        raise ValueError(name)

def fails():
    try:
        raise KeyError(name)
    except KeyError as cause:
        raise ValueError(f"no row of {{name}}") from cause

logs.configure("carers", None)
logs.logger().info("a sentence of ours", child=name, phone=name)
try:
    fails()
except ValueError as error:
    logs.logger().error("it failed", exc_info=error)
    logging.getLogger("uvicorn.error").error("Exception in ASGI application", exc_info=error)
    logging.getLogger("asyncio").error(f"never retrieved: {{error}}")
    logging.getLogger("aiokafka").warning("no answer from %s", name)
    logging.getLogger("kafka").error("no way to %s: %s", name, OSError(30, name))
    logging.getLogger("httpx").info("GET https://x.example/?q=%s", name)
warnings.warn(f"input_value={{name}}", UserWarning, stacklevel=1)
Unruly()
thread = threading.Thread(target=fails)
thread.start()
thread.join()
fails()
"""
A_COMMAND = f"""
import sys, types
name = {NAME!r}
def app():
    raise ValueError(name)
sys.modules["services.command_line"] = types.SimpleNamespace(app=app)
sys.argv = ["services", "subject-access"]
from services.__main__ import main
main()
"""


def printed_by(code: str) -> tuple[list[dict[str, object]], str]:
    """The lines of its log, and all that it prints."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1, "an error that nobody caught ends it"
    lines = [json.loads(each) for each in done.stderr.splitlines() if each.startswith("{")]
    return lines, done.stdout + done.stderr


def test_no_way_of_failing_prints_the_text_of_an_error_or_a_librarys_values() -> None:
    lines, everything = printed_by(EVERY_WAY)
    assert NAME not in everything
    assert [(line["event"], str(line.get("error", "")).partition(" at ")[0]) for line in lines] == [
        ("a sentence of ours", ""),
        ("it failed", "ValueError"),
        ("a library logged a message", "ValueError"),
        ("a library logged a message", ""),
        ("no answer from %s", ""),
        ("no way to %s: %s", "OSError EROFS"),
        ("Python warns", "UserWarning"),
        ("nobody caught an error", "ValueError"),
        ("nobody caught an error", "ValueError"),
        ("nobody caught an error", "ValueError"),
    ]
    assert "in fails" in everything, "the lines of code that led there are all that who mends it has"


def test_a_command_that_fails_prints_where_and_no_text() -> None:
    lines, everything = printed_by(A_COMMAND)
    assert [(line["service"], line["event"]) for line in lines] == [("commands", "nobody caught an error")]
    assert "in app" in everything
    assert everything.count(NAME) == 0


def calls_of_the_logger() -> list[tuple[str, ast.Call]]:
    return [
        (f"{file}:{call.lineno}", call)
        for folder in ("services", "infra")
        for file in (ROOT / folder).rglob("*.py")
        if "logger()." in (text := file.read_text())
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("logger().")
    ]


def test_every_field_that_a_service_logs_is_on_the_list() -> None:
    """Whoever logs another loses it without a word."""
    allowed = {*FIELDS, "exc_info", None}
    calls = calls_of_the_logger()
    assert calls
    assert not [where for where, call in calls if {each.arg for each in call.keywords} - allowed]


def test_every_line_begins_with_a_sentence_that_stands_in_the_code() -> None:
    """Filled in with nothing: the list is of fields, and the sentence is one of them."""

    def is_fixed(said: ast.expr) -> bool:
        if isinstance(said, ast.IfExp):
            return is_fixed(said.body) and is_fixed(said.orelse)
        return isinstance(said, ast.Constant)

    calls = [(where, call) for where, call in calls_of_the_logger() if not ast.unparse(call.func).endswith(".log")]
    assert [where for where, call in calls if not (call.args and is_fixed(call.args[0]))] == []
