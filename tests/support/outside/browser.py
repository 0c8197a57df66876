"""What a browser says of a page: what lies beside the screen, what a thumb misses, and what breaks the rules of access."""

from pathlib import Path

from playwright.async_api import Page, ViewportSize, expect

from infra.local.settings.layout import ROOT

CHROMIUM = Path("/usr/bin/chromium")
AXE = ROOT / ".local" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
NARROW: ViewportSize = {"width": 360, "height": 740}
WIDE: ViewportSize = {"width": 1920, "height": 1080}
THUMB_PIXELS = 44

expect.set_options(timeout=60_000)  # five seconds are too few for Chromium beside a stack that starts


async def against_wcag(page: Page) -> list[tuple[str, list[str]]]:
    await page.evaluate(AXE.read_text())
    found = await page.evaluate("wanted => axe.run({ runOnly: wanted })", WCAG)
    return [(each["id"], [node["html"][:90] for node in each["nodes"]]) for each in found["violations"]]


async def beside_the_screen(page: Page) -> list[str]:
    """What is wider than the screen, or lies outside it. The console's sections scroll by themselves."""
    found: list[str] = await page.evaluate(
        "() => [...document.querySelectorAll('body *:not(.sections ul *)')].filter(each => each.getBoundingClientRect().right > innerWidth + 1)"
        ".map(each => each.outerHTML.slice(0, 90))"
    )
    return found


async def too_small_to_tap(page: Page) -> list[str]:
    """Buttons and links, in pixels of their least side."""
    await page.wait_for_load_state()  # without its styles nothing has its size
    found: list[str] = await page.evaluate(
        "least => [...document.querySelectorAll('button, a.button, summary, select, input[type=text], input[type=date], label.choice')]"
        ".filter(each => each.checkVisibility() && each.getBoundingClientRect().height < least)"
        ".map(each => each.outerHTML.slice(0, 90))",
        THUMB_PIXELS,
    )
    return found
