"""Writes the dashboards; `--check` lists those that differ and exits with 1: `python -m infra.grafana [--check]`."""

import sys
from pathlib import Path

from infra.grafana.boards import BOARDS
from infra.grafana.renderer import rendered

FOLDER = Path(__file__).with_name("dashboards")


def wanted() -> dict[Path, str]:
    return {FOLDER / f"{board.name}.json": rendered(board) for board in BOARDS}


def differing() -> list[Path]:
    """Files that are missing, differ from the code, or that no board makes any more."""
    made = wanted()
    changed = [path for path, text in made.items() if not path.exists() or path.read_text() != text]
    return [*changed, *sorted(set(FOLDER.glob("*.json")) - made.keys())]


def main(*, check: bool) -> int:
    changed = differing()
    for path in changed:
        print(f"{path.name} differs from the code" if check else path.name)
        if not check:
            path.write_text(made) if (made := wanted().get(path)) else path.unlink()
    return 1 if check and changed else 0


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
