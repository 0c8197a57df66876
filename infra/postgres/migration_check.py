"""Refuses a migration that would break or block running services: `python -m infra.postgres.migration_check`.

Each migration after the baseline is printed as SQL and read by squawk. Where a rule is broken on purpose, as when a
later version drops a column that nobody reads any more, the line above says so: `-- squawk-ignore ban-drop-column`.
"""

import io
import subprocess
import sys
from pathlib import Path

from alembic import command
from alembic.script import Script, ScriptDirectory

from services.platform.store.migrations.apply import HISTORY, configuration

SQUAWK = Path(sys.executable).with_name("squawk")
LEFT_OUT = (
    "require-lock-timeout",  # `apply` sets it for all
    "require-statement-timeout",  # an index on a large table takes its time, and holds up nobody
    "prefer-bigint-over-int",  # counts and steps stay small
)


def findings(history: Path = HISTORY) -> list[str]:
    """One line each, with the migration and squawk's rule; none where all is well."""
    written = ScriptDirectory.from_config(configuration(history))
    heads, migrations = sorted(written.get_heads()), list(written.walk_revisions())
    if len(heads) > 1:  # two branches were merged that each added one
        return [f"{' and '.join(heads)} both come last: let each follow one (`down_revision`), and number it so"]
    return [
        line for each in reversed(migrations) if each.down_revision is not None for line in _findings(each, history)
    ]


def _findings(migration: Script, history: Path) -> list[str]:
    config = configuration(history)
    config.output_buffer = io.StringIO()
    command.upgrade(config, f"{migration.down_revision}:{migration.revision}", sql=True)
    order = [str(SQUAWK), "--reporter", "gcc", "--pg-version", "18", "--stdin-filepath", f"{migration.revision}.py"]
    read = subprocess.run(
        [*order, "--exclude", ",".join(LEFT_OUT)],
        input=config.output_buffer.getvalue(),
        capture_output=True,
        text=True,
        check=False,
    )
    return [] if read.returncode == 0 else (read.stdout + read.stderr).splitlines()


if __name__ == "__main__":
    found = findings()
    for line in found:
        print(line, file=sys.stderr)
    sys.exit(1 if found else 0)
