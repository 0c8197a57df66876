"""Safe Return in containers, by docs/operating.md command by command as printed there: tried, texted, hurt, upgraded, restored."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.compose.docker import ROOT, Machine, machine
from tests.support.in_process.console import child_page, csrf_in, sign_in_blocking

pytestmark = [pytest.mark.timeout(1800), pytest.mark.compose]
GUIDE = (ROOT / "docs/operating.md").read_text()
SANDBOX, CONSOLE = "http://127.0.0.1:8200", "http://127.0.0.1:8100"
CARER, CHILD = "+447700900101", "C17"


def blocks(heading: str) -> list[str]:
    """The commands that a section prints in blocks."""
    section = GUIDE.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.findall(r"^( *)```sh\n(.*?)^ *```", section, re.DOTALL | re.MULTILINE)
    return [re.sub(rf"^{indent}", "", block, flags=re.MULTILINE) for indent, block in found]


def printed(command: str, **told: str) -> str:
    """The command, which the guide has in a line, with what a reader puts in place of its capitals."""
    assert f"`{command}`" in GUIDE, f"the guide does not have {command}"
    for name, value in told.items():
        command = command.replace(name, value)
    return command


def until(found: Callable[[], Any], within_seconds: float = 180) -> Any:
    ends = time.monotonic() + within_seconds
    while not (what := found()):
        assert time.monotonic() < ends, "not within its time"
        time.sleep(1)
    return what


@pytest.fixture(scope="module")
def safe_return() -> Iterator[Machine]:
    with machine() as here:
        here.gives(blocks("Try it with containers")[0])
        here.gives("docker compose --profile '*' down --volumes --remove-orphans")
        yield here
        here.gives("docker compose --profile '*' down --volumes --remove-orphans")


def notices() -> list[dict[str, Any]]:
    return list(httpx.get(f"{SANDBOX}/notices", timeout=30).json())


def reports(body: str) -> None:
    assert httpx.post(f"{SANDBOX}/texts", json={"from": CARER, "body": body}, timeout=30).status_code == 202


def test_the_guide_holds_from_an_empty_machine_to_a_restored_database(safe_return: Machine) -> None:
    here = safe_return
    build, start, first_account = blocks("Start it with containers")
    here.gives(build)
    here.gives(start)
    assert "password" in here.gives(first_account)
    accounts = here.gives(blocks("Try it with containers")[1])
    password = re.findall(r"^manager +(\S+)", accounts, re.MULTILINE)[0]
    is_acknowledged = _a_report_reaches_police(password)

    here.gives("docker compose restart kafka postgres")
    here.gives(start)
    reports(f"SEEN {CHILD} at the station")
    until(lambda: len(notices()) > len(is_acknowledged))

    # Upgrade without losing a message
    copy = here.checkout.parent / "copy"
    for file in here.checkout.parent.glob("copy*"):
        file.unlink()
    here.gives(printed("python3 -m infra.docker.backup dump FILE", FILE=str(copy)))
    (here.checkout / "services" / "of_the_next_release.py").write_text('"""Makes another image."""\n')
    here.gives(start)
    here.gives("docker compose run --rm --no-deps audit audit verify")
    until(lambda: "gap" not in here.gives("docker compose run --rm --no-deps audit audit gaps || echo gap"), 300)

    _restore(here, copy)
    with httpx.Client(base_url=CONSOLE, timeout=60) as browser:
        sign_in_blocking(browser, "manager", password)
        assert until(lambda: child_page(browser, CHILD)), "the search is still open"


def _a_report_reaches_police(password: str) -> list[dict[str, Any]]:
    """By text; the notice is signed, accepted, and acknowledged by the control room's desk. A manager sees it."""
    reports(f"MISSING {CHILD}")
    until(lambda: any(each["verified"] and each["acknowledged"] for each in notices()))
    with httpx.Client(base_url=CONSOLE, timeout=60) as browser:
        sign_in_blocking(browser, "manager", password)
        until(lambda: child_page(browser, CHILD))
        page = browser.post("/account/command-code", data={"csrf": csrf_in(browser.get("/account"))})
        assert re.search(r"<p><code>(.+?)</code></p>", page.text), "a code for a command"
    return notices()


def _restore(here: Machine, copy: Path) -> None:
    """Back up and restore: the database alone was lost."""
    here.gives(printed("docker compose down"))
    here.gives(printed("docker volume rm safe-return_database").replace("safe-return_", "safe-return-sandbox_"))
    here.gives(printed("docker compose up --wait postgres"))
    here.gives(printed("python3 -m infra.docker.backup restore FILE", FILE=str(copy)))
    here.gives(printed("docker compose run --rm migrate"))
    here.gives(printed("docker compose run --rm logins"))
    anchor = json.loads(copy.with_name("copy.json").read_text())["anchor_hash"]
    here.gives(printed("docker compose run --rm --no-deps audit audit verify --anchor HASH", HASH=anchor))
    here.gives(printed("docker compose up --wait kafka"))
    quarter_before = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(copy.stat().st_mtime - 900))
    here.gives(printed("docker compose run --rm --no-deps topics rewind TIME", TIME=quarter_before))
    here.gives(printed("docker compose up --wait"))
