"""One function writes the time of day for people (`working_time.format_time`), so that a doubled hour is told apart."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2] / "services"
TIME_OF_DAY = re.compile(r"%-?[HI]")
WRITER = "safeguarding/working_time.py"
OTHERWISE = {
    "audit/commands.py": "says its zone",
    "audit/policy/chain.py": "is hashed, in UTC",
    "carers/inbound/intake.py": "names a file",
    "options/register_upkeep/commands.py": "says its zone",
    "options/register_upkeep/mappings/ssd.yaml": "reads a supplier's file",
    "options/register_upkeep/policy/organisations.py": "says its zone",
    "console/pages/directory.html": "is a rota's, of no day",
    "options/returns/pages.py": "counts the hours of a day",
    "handbook/phrases.py": "is a rule's, of no day",
    "handbook/stories/story_pages.py": "is a story's, of June",
    "platform/bus/dead_letters.py": "says its zone",
}
"""Who writes or reads a time of day in another way, and why that misleads nobody."""


def test_nobody_else_writes_the_time_of_day_for_people() -> None:
    written = {
        str(path.relative_to(ROOT))
        for kind in ("py", "html", "yaml", "txt")
        for path in ROOT.rglob(f"*.{kind}")
        if TIME_OF_DAY.search(path.read_text())
    }
    assert written - {WRITER} == set(OTHERWISE)
