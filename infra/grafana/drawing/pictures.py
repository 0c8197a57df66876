"""Takes the guide's three pictures, of a `make run` where a child was reported missing: `make pictures`."""

import json
from io import BytesIO
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from infra.grafana.drawing.__main__ import HOME, draw_boards

RUN = HOME.parent
FOLDER = HOME.parents[1] / "docs" / "pictures"
COLOURS = 192
CHROMIUM = "/usr/bin/chromium"
CARER = "+447700900104"


def take_pictures(
    prometheus: Annotated[str, typer.Option(help="The address of a Prometheus that scrapes the services")],
    run: Annotated[Path, typer.Option(help="The folder of what runs")] = RUN,
    carer: Annotated[str, typer.Option(help="Whose phone, of the first open case")] = CARER,
) -> None:
    """The phone, the case and a board."""
    addresses = json.loads((run / "endpoints.json").read_text())
    FOLDER.mkdir(exist_ok=True)
    with sync_playwright() as playing:
        browser = playing.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        _keep("phone", _phone(browser, addresses["sandbox"], carer))
        password = (run / "secrets" / "made" / "console-manager").read_text().strip()
        _keep("case", _case(browser, addresses["console"], password))
        browser.close()
    draw_boards(prometheus)
    board = BytesIO()
    Image.open(HOME / "children-missing-now.png").resize((800, 703)).save(board, "PNG")
    _keep("board", board.getvalue())


def _phone(browser: Browser, address: str, carer: str) -> bytes:
    page = browser.new_page(viewport={"width": 390, "height": 760})
    page.goto(address)
    page.locator("#phone").select_option(carer)
    page.locator("#thread li").first.wait_for()
    page.wait_for_timeout(1_000)
    page.add_style_tag(
        content="#thread { height: auto !important; max-height: none !important } nav, header p { display: none }"
    )
    return page.screenshot(clip={"x": 0, "y": 0, "width": 390, "height": _end(page, "#thread") + 12}, full_page=True)


def _case(browser: Browser, address: str, password: str) -> bytes:
    page = browser.new_page(viewport={"width": 800, "height": 900})
    page.goto(address)
    page.get_by_label("Name").fill("manager")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.locator("main tbody th a").first.click()
    page.locator("h2", has_text="Who it is").wait_for()
    page.wait_for_timeout(2_000)  # until it says that it is live
    page.evaluate("document.querySelectorAll('nav, form[role=search]').forEach((each) => each.remove())")
    return page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": 800, "height": 900})


def _end(page: Page, part: str) -> float:
    box = page.locator(part).bounding_box()
    return box["y"] + box["height"] if box else 0.0


def _keep(name: str, picture: bytes) -> None:
    target = FOLDER / f"{name}.png"
    Image.open(BytesIO(picture)).convert("RGB").quantize(COLOURS).save(target, optimize=True)
    typer.echo(f"{target}: {target.stat().st_size // 1000} kB")


if __name__ == "__main__":
    typer.run(take_pictures)
