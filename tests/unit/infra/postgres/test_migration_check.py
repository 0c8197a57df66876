import shutil
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory

from infra.postgres.migration_check import findings
from services.platform.store.migrations.apply import HISTORY, configuration

AT_ONCE = "op.execute({sql!r})"
CONCURRENTLY = "with op.get_context().autocommit_block():\n        op.execute({sql!r})"


@pytest.fixture
def history(tmp_path: Path) -> Path:
    return Path(shutil.copytree(HISTORY, tmp_path / "migrations"))


def _add(history: Path, sql: str, form: str = AT_ONCE) -> None:
    newest = ScriptDirectory.from_config(configuration(history)).get_current_head()
    (history / "versions" / "next.py").write_text(
        "from alembic import op\n\n"
        "revision = 'next'\n"
        f"down_revision = {newest!r}\n\n\n"
        f"def upgrade() -> None:\n    {form.format(sql=sql)}\n"
    )


def test_our_own_migrations_are_in_order() -> None:
    assert findings() == []


def test_two_that_follow_the_same_one_are_refused(history: Path) -> None:
    """None of them could be applied."""
    _add(history, "SELECT 1")
    other = history / "versions" / "other.py"
    other.write_text((history / "versions" / "next.py").read_text().replace("'next'", "'other'"))
    (found,) = findings(history)
    assert "next and other both come last" in found


@pytest.mark.parametrize(
    ("sql", "rule"),
    [
        ("ALTER TABLE console.contacts ADD COLUMN seen boolean NOT NULL", "adding-required-field"),
        ("CREATE INDEX contacts_failed ON console.contacts (failed_at)", "require-concurrent-index-creation"),
        (
            "CREATE INDEX CONCURRENTLY contacts_failed ON console.contacts (failed_at)",
            "ban-concurrent-index-creation-in-transaction",
        ),
        ("ALTER TABLE console.contacts DROP COLUMN failure", "ban-drop-column"),
        ("ALTER TABLE console.contacts RENAME COLUMN failure TO reason", "renaming-column"),
        ("ALTER TABLE console.contacts ALTER COLUMN failure TYPE integer", "changing-column-type"),
        ("ALTER TABLE console.contacts ADD CHECK (failure <> '')", "constraint-missing-not-valid"),
        ("DROP VIEW register.words_said", "ban-drop-view"),
    ],
)
def test_what_running_services_could_not_live_with_is_refused(history: Path, sql: str, rule: str) -> None:
    _add(history, sql)
    found = findings(history)
    assert any(rule in line and "next" in line for line in found), found


@pytest.mark.parametrize(
    ("sql", "form"),
    [
        ("ALTER TABLE console.contacts ADD COLUMN seen_at timestamptz, ADD COLUMN tries integer DEFAULT 0", AT_ONCE),
        ("CREATE TABLE console.notes (note uuid PRIMARY KEY, at timestamptz NOT NULL)", AT_ONCE),
        ("CREATE INDEX CONCURRENTLY IF NOT EXISTS contacts_failed ON console.contacts (failed_at)", CONCURRENTLY),
        ("-- squawk-ignore ban-drop-column\nALTER TABLE console.contacts DROP COLUMN failure", AT_ONCE),
    ],
)
def test_what_they_can_live_with_is_let_through(history: Path, sql: str, form: str) -> None:
    _add(history, sql, form)
    assert findings(history) == []
