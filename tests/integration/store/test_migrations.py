import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from alembic.script import ScriptDirectory

from services.platform.store.migrations.apply import HISTORY, BlindOwnerError, UnknownShapeError, apply, configuration
from tests.support.engines.database import Database


@pytest.fixture
def empty(postgres: Database) -> Iterator[str]:
    """The URL of a database of its own, in which nothing is yet."""
    with psycopg.connect(postgres.admin_url, dbname="postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE empty")
        yield postgres.admin_url.rsplit("/", maxsplit=1)[0] + "/empty"
        connection.execute("DROP DATABASE empty WITH (FORCE)")


@pytest.fixture
def of_another_version(empty: str) -> str:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num text PRIMARY KEY)")
        connection.execute("INSERT INTO alembic_version VALUES ('0035_whose_child')")
    return empty


def _schemas(url: str) -> set[str]:
    with psycopg.connect(url) as connection:
        return {name for (name,) in connection.execute("SELECT nspname FROM pg_namespace")}


def test_a_second_time_changes_nothing(empty: str) -> None:
    apply(empty)
    before = _schemas(empty)
    assert {"register", "audit", "clock"} <= before
    apply(empty)
    assert _schemas(empty) == before


def test_a_database_of_another_version_is_left_alone(of_another_version: str) -> None:
    before = _schemas(of_another_version)
    with pytest.raises(UnknownShapeError, match="0035_whose_child"):
        apply(of_another_version)
    assert _schemas(of_another_version) == before


def test_whom_the_walls_hold_back_owns_no_function_that_erases(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as connection:
        connection.execute("CREATE ROLE blind LOGIN CREATEROLE CREATEDB PASSWORD 'blind'")
        connection.execute("ALTER DATABASE empty OWNER TO blind")
    before = _schemas(empty)
    try:
        with pytest.raises(BlindOwnerError, match="BYPASSRLS"):
            apply(f"postgresql://blind:blind@{empty.rsplit('@', maxsplit=1)[1]}")
        assert _schemas(empty) == before
    finally:
        with psycopg.connect(empty, autocommit=True) as connection:
            connection.execute("ALTER DATABASE empty OWNER TO CURRENT_USER")
            connection.execute("DROP ROLE blind")


def test_the_command_says_so_in_a_line(of_another_version: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "services", "migrate"],
        env=os.environ | {"SAFE_RETURN_ADMIN_DATABASE": of_another_version},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "`make clean`" in done.stderr
    assert len(done.stderr.splitlines()) == 1


INDEX_CONCURRENTLY = """
from alembic import op

revision = "index"
down_revision = "{newest}"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("SELECT pg_sleep(0.5)")
        op.execute("CREATE INDEX CONCURRENTLY contacts_failed ON console.contacts (failed_at)")
"""


@pytest.fixture
def with_an_index(tmp_path: Path) -> Path:
    """A history that is one migration longer."""
    history = Path(shutil.copytree(HISTORY, tmp_path / "migrations"))
    newest = ScriptDirectory.from_config(configuration(history)).get_current_head()
    (history / "versions" / "index.py").write_text(INDEX_CONCURRENTLY.format(newest=newest))
    return history


IS_VALID = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'console.contacts_failed'::regclass"


def test_an_index_is_made_concurrently_though_another_waits_to_migrate(empty: str, with_an_index: Path) -> None:
    apply(empty)
    with ThreadPoolExecutor() as both:
        assert list(both.map(apply, [empty, empty], [with_an_index, with_an_index])) == [None, None]
    with psycopg.connect(empty) as connection:
        assert connection.execute(IS_VALID).fetchall() == [(True,)]


HAS_WAITED = "SELECT count(*) FROM pg_locks WHERE NOT granted AND waitstart < clock_timestamp() - interval '0.3 s'"


def test_an_index_waits_for_whoever_reads_meanwhile(
    empty: str, with_an_index: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Longer than for a lock that everybody would queue behind."""
    apply(empty)
    monkeypatch.setattr("services.platform.store.migrations.apply.LOCKED_WITHIN", "100ms")
    with (
        ThreadPoolExecutor() as beside,
        psycopg.connect(empty, autocommit=True) as watching,
        psycopg.connect(empty) as reading,
    ):
        reading.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reading.execute("SELECT count(*) FROM register.authorities")
        migrating = beside.submit(apply, empty, with_an_index)
        while not (migrating.done() or watching.execute(HAS_WAITED).fetchall() != [(0,)]):
            time.sleep(0.05)
        reading.rollback()
        assert migrating.result() is None
        assert watching.execute(IS_VALID).fetchall() == [(True,)]
