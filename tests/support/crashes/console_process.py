"""The console's pages as a process of their own, on a database alone: `python -m tests.support.crashes.console_process [STEP]`.

With a step it kills itself there the first time (tests/support/crashes/crash_at.py).
"""

import asyncio
import sys

from services.console.settings import ConsoleSettings
from services.console.web import pages
from services.console.web.pages.overview import Changes
from services.platform.runtime.clocks import Clocks
from services.platform.runtime.server import Web
from services.platform.store.engine import connect
from services.platform.store.unit_of_work import Origin, Store
from tests.support.crashes.crash_at import STEPS, Countdown
from tests.support.in_process.console import GUESTS


async def main() -> None:
    settings, clocks = ConsoleSettings(), Clocks()
    for step in sys.argv[1:]:
        STEPS[step](Countdown(1))
    store = Store(connect(settings, "console"), origin=Origin("console", Clocks()))
    web = Web(pages(store, clocks, Changes(store.channels, clocks), settings, GUESTS), settings.http_port)
    await web.start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
