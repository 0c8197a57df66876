"""Each finding is a line: green, or red with the cause and the page. Whatever goes wrong, no text of an error is printed."""

import asyncio
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from services.command_line import app
from services.doctor import examination
from services.doctor.checks import Broken, Check, require_near
from services.doctor.examination import READS
from services.run import SERVICES

SECRET = "hunter2"
DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """The command is the last thing that its process does."""
    yield
    logging.disable(logging.NOTSET)


def check(attempt: object, patience: float = 5) -> Check:
    async def tried() -> str:
        if isinstance(attempt, BaseException):
            raise attempt
        await asyncio.sleep(0 if attempt == "well" else 60)
        return "well"

    return Check("the relay", "docs/page.md", tried, patience)


@pytest.mark.parametrize(
    ("attempt", "said"),
    [
        ("well", "green  the relay: well"),
        (Broken("it is closed"), "RED    the relay: it is closed. See docs/page.md"),
        (ValueError(SECRET), "RED    the relay: could not be tried (ValueError). See docs/page.md"),
        ("slow", "RED    the relay: no answer within 0 s. See docs/page.md"),
    ],
)
async def test_a_finding_is_a_line(attempt: object, said: str) -> None:
    assert str(await check(attempt, 0.05 if attempt == "slow" else 5).finding()) == said


def test_each_page_is_where_a_red_line_says() -> None:
    named = set(re.findall(r'operating\("([^"]+)"(?:, "([^"]+)")?\)', Path(examination.__file__).read_text()))
    assert len(named) > 8
    for section, page in named:
        told = (DOCS / (page or "operating.md")).read_text()
        assert re.search(rf"^## {section}$|\*\*{section}\.?\*\*", told, re.MULTILINE), (section, page)


def test_every_service_can_be_tried() -> None:
    assert tuple(READS) == SERVICES


def test_wrong_settings_are_named_all_at_once_and_what_is_right_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "SANDBOX": "1",
        "HTTP_PORT": "none",
        "PUBLIC_URL": "http://127.0.0.1:1",
        "SMTP_HOST": "127.0.0.1",
        "SMTP_FROM": SECRET,
        "SMTP_PASSWORD": SECRET,
        "MASTER_KEY": SECRET,
    }.items():
        monkeypatch.setenv(f"SAFE_RETURN_{name}", value)
    monkeypatch.delenv("SAFE_RETURN_SECRETS_DIR", raising=False)
    ended = CliRunner().invoke(app, ["doctor", "professionals"])
    named = [line for line in ended.output.splitlines() if line.startswith("RED    settings")]
    for wrong in (
        "SAFE_RETURN_HTTP_PORT is no whole number",
        "SAFE_RETURN_SMTP_FROM is wrong",
        "SAFE_RETURN_MASTER_KEY is wrong",
        "the secret database_password",
        "the secret phone_key",
        "the secret signing_key",
        "SAFE_RETURN_TWILIO_FROM is missing",
    ):
        assert sum(wrong in line for line in named) == 1, (wrong, ended.output)
    assert ended.exit_code == 1
    assert SECRET not in ended.output


def test_a_service_that_there_is_not_is_refused() -> None:
    assert CliRunner().invoke(app, ["doctor", "nurse"]).exit_code == 2


@pytest.mark.parametrize(("theirs", "gone", "well"), [(99, 0, True), (95, 0, False), (106, 0, False), (95, 4, True)])
def test_clocks_may_be_a_little_apart(theirs: float, gone: float, well: bool) -> None:
    if well:
        assert "that of Twilio" in require_near(100, theirs, "Twilio", 2, gone)
    else:
        with pytest.raises(Broken, match="s apart"):
            require_near(100, theirs, "Twilio", 2, gone)
