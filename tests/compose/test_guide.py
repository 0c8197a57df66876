"""Safe Return in containers, by the operators' guide command by command as printed there: tried, texted, hurt, upgraded, restored."""

import json
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.compose.docker import Machine, machine
from tests.support.guide import read_guide
from tests.support.in_process.console import child_page, csrf_in, sign_in_blocking

pytestmark = [pytest.mark.timeout(1800), pytest.mark.compose]
GUIDE = read_guide()
SANDBOX, CONSOLE = "http://127.0.0.1:8200", "http://127.0.0.1:8100"


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


def carer_of_one_child() -> tuple[str, str]:
    """Their number, and the child's code."""
    phones = httpx.get(f"{SANDBOX}/phones", timeout=30).json()
    [first, *_] = [each for each in phones if each["role"] == "carer" and len(each["children"]) == 1]
    return first["number"], first["children"][0]


def texts(number: str, body: str) -> None:
    assert httpx.post(f"{SANDBOX}/texts", json={"from": number, "body": body}, timeout=30).status_code == 202


def test_the_guide_holds_from_an_empty_machine_to_a_restored_database(safe_return: Machine) -> None:
    here = safe_return
    build, start, first_account = blocks("Start it with containers")
    here.gives(build)
    here.gives(start)
    assert "password" in here.gives(first_account)
    accounts = here.gives(blocks("Try it with containers")[1])
    password = re.findall(r"^manager +(\S+)", accounts, re.MULTILINE)[0]
    carer, child = carer_of_one_child()
    told = _report_reaches_police(password, carer, child)

    here.gives("docker compose restart kafka postgres")
    here.gives(start)
    texts(carer, f"SEEN {child} at the station")
    until(lambda: len(notices()) > told)

    # Upgrade without losing a message. The record's first anchor comes within a minute.
    until(
        lambda: re.search(
            r"\b[0-9a-f]{64}\b", here.gives("docker compose run --rm --no-deps audit audit anchor || echo none")
        )
    )
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
        assert until(lambda: child_page(browser, child)), "the search is still open"


def _report_reaches_police(password: str, carer: str, child: str) -> int:
    """By text; the notice is signed, accepted, and acknowledged by the control room's desk. A manager sees it. Returns
    how many notices there are.
    """
    texts(carer, f"MISSING {child}")
    until(lambda: any(each["verified"] and each["acknowledged"] for each in notices()))
    with httpx.Client(base_url=CONSOLE, timeout=60) as browser:
        sign_in_blocking(browser, "manager", password)
        until(lambda: child_page(browser, child))
        page = browser.post("/account/command-code", data={"csrf": csrf_in(browser.get("/account"))})
        assert re.search(r"<p><code>(.+?)</code></p>", page.text), "a code for a command"
    return len(notices())


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
