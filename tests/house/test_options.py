"""The core stands alone: it imports no option, and is no larger than it says. Who adds an option adds it to this list."""

import subprocess
import sys
from pathlib import Path

import grimp

from services.run import OPTIONS

ROOT = Path(__file__).parents[2]
TOOLS = (
    "services.__main__",
    "services.command_line",
    "services.doctor",
    "services.schemas",
    "services.protocol.simulate",
    "services.audit.commands",
    "services.audit.evidence_pack",
    "services.police.commands",
)
"""Nothing of a night needs them; an operator, a developer or an inquiry does."""
MOST = 47_570
"""Lines of the core: lower it when something goes."""


def _lines(module: str) -> int:
    path = ROOT / module.replace(".", "/")
    file = path.with_suffix(".py")
    return len((file if file.exists() else path / "__init__.py").read_text().splitlines())


def _is_in(module: str, rooms: tuple[str, ...]) -> bool:
    return any(module == room or module.startswith(f"{room}.") for room in rooms)


GRAPH = grimp.build_graph("services", exclude_type_checking_imports=True)
ROOMS = {name: (room,) for name, room in OPTIONS.items()} | {"tools": TOOLS}
SIZES = {name: sum(_lines(each) for each in GRAPH.modules if _is_in(each, rooms)) for name, rooms in ROOMS.items()}
CORE = {each for each in GRAPH.modules if not any(_is_in(each, rooms) for rooms in ROOMS.values())}


def test_the_core_imports_no_option() -> None:
    optional = GRAPH.modules - CORE
    found = {
        (each, told) for each in CORE for told in GRAPH.find_modules_directly_imported_by(each) if told in optional
    }
    assert found == set()


def test_a_process_that_does_not_text_loads_no_option_and_no_twilio() -> None:
    """What it would load stays in its memory."""
    code = "import sys, services.run as run; run.fit_options(); import services.clock.app; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    own = {each for each in loaded.split() if each.startswith("services.options.") and each.count(".") > 2}
    assert {each.rpartition(".")[2] for each in own} == {"option"}
    assert not {"twilio", "pyrage", "typer"} & set(loaded.split())


def test_every_folder_of_options_is_one_that_can_be_chosen() -> None:
    folders = {each.parent.name for each in (ROOT / "services/options").glob("*/option.py")}
    assert folders == {room.rpartition(".")[2] for room in OPTIONS.values() if room.startswith("services.options.")}


def test_the_core_is_no_larger_than_it_says() -> None:
    core = sum(map(_lines, CORE))
    sizes = "; ".join(f"{name} {size}" for name, size in sorted(SIZES.items(), key=lambda each: -each[1]))
    assert core <= MOST, f"the core has {core} lines; options and tools: {sizes}"
