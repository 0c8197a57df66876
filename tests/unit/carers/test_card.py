"""The printed card, in a real browser: nothing is cut off on paper, and nothing sticks out on a phone."""

from pathlib import Path

import pytest
from playwright.async_api import async_playwright

from services.carers.card import render_card

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason=f"no Chromium at {CHROMIUM}"),
]
A4 = {"width": 794, "height": 1123}


@pytest.mark.parametrize("numbers", [["+447700900500"], ["+447700900500", "+447700900501"]])
@pytest.mark.parametrize("duty_line", ["+441632960100", None])
async def test_each_side_holds_all_that_is_on_it_on_paper_and_a_phone_shows_its_whole_width(
    duty_line: str | None, numbers: list[str]
) -> None:
    async with async_playwright() as playing:
        browser = await playing.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page(viewport={"width": 360, "height": 740})
        await page.set_content(render_card(numbers, duty_line))
        assert await page.evaluate("document.documentElement.scrollWidth") == 360
        await page.emulate_media(media="print")
        await page.set_viewport_size(A4)  # type: ignore[arg-type]
        sides = await page.evaluate(
            "[...document.querySelectorAll('.side')].map(side => [side.scrollHeight, side.clientHeight])"
        )
        await browser.close()
    assert len(sides) == 4
    assert all(holds <= room for holds, room in sides)
