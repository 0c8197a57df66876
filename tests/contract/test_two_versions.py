"""While an upgrade rolls, the former version and this one share a bus and a database: each reads what the other says.

The former version is the last release (tests/support/versions.py).
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.platform.messages.envelope import Unreadable, read
from services.platform.messages.signature import SAYS
from services.platform.store.migrations.access import SERVICES
from services.platform.store.migrations.apply import apply
from services.protocol.loader import Library, files
from services.safeguarding.roles import DEEDS
from tests.support import versions
from tests.support.engines.database import MIGRATED, Database

ROOT = Path(__file__).parents[2]
GONE: dict[str, str] = {}
"""What the former version has or may do and this one has not or forbids, by its line below, and why nobody misses it: since
the release before, nothing uses it.
"""
FIRST_KNOWN_BY_070 = {"needs-assessment", "placement-notice"}
WORDED_BY_070 = {"needs-assessment-due", "personal-adviser-due", "placement-notice-due"}
HOLD_A_WORDING = (
    *(f"{kind}.v1 {field}"
      for kind in ("carer.alert", "police.notify", "professional.notify", "strategy.invite")
      for field in ("wording", "unanswered")),
    *("message.decided.v1 duties of wording", "rule.due.v1 wording"),
)  # fmt: skip
HOLD_A_DEED = (
    *("carer.alert.v1 deed", "police.notify.v1 deed", "professional.notify.v1 deed", "strategy.invite.v1 deed"),
    *("duty.changed.v1 deed", "message.decided.v1 duties of deed", "operator.acted.v1 act"),
)
NEWER: dict[str, str] = {
    "operator.acted.v1 act: kept-apart": "0.3.0 knows it, and the console says it from the release after on",
    **{
        f"{field}: {deed}": "0.7.0 knows it, and a rule asks for it from the release after on"
        for field in HOLD_A_DEED
        for deed in FIRST_KNOWN_BY_070
    },
    **{
        f"{field}: {wording}": "0.7.0 has words for it, and a rule says it from the release after on"
        for field in HOLD_A_WORDING
        for wording in WORDED_BY_070
    },
    **{
        f"care-step.recorded.v1 step: {step}": "a form records it, which a rule shows from the release after 0.7.0 on"
        for deed in FIRST_KNOWN_BY_070
        for step in DEEDS[deed]["steps"]
    },
}
"""What a known kind may hold and the former version refuses, by the field, and why that does no harm: nothing says it before
the release after, or nothing hangs on it.
"""
READ_IT = """
import sys
from services.platform.messages.envelope import Unreadable, read
for line in sys.stdin.buffer:
    try:
        read(line)
    except Unreadable as fault:
        print(fault.kind, fault.reason)
"""
PARSE_IT = """
import sys
from services.protocol.loader import parse
for line in sys.stdin:
    parse(line)
"""
MAKE_IT = "import sys; from services.platform.store.migrations.apply import apply; apply(sys.argv[1])"
ROLES = ", ".join(f"'{each}'" for each in SERVICES)
OURS = f"n.nspname IN ('register', 'delivery', 'deadlines', 'story', 'months', 'walls', {ROLES})"
KEPT = {
    "column": f"""
        SELECT format('%s.%s.%s %s', n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod))
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped""",
    "right": f"""
        SELECT format('%s of %s on %s.%s.%s', p.privilege_type, g.rolname, n.nspname, c.relname, a.attname)
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace,
            pg_roles g, (VALUES ('SELECT'), ('INSERT'), ('UPDATE')) p (privilege_type)
        WHERE {OURS} AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
            AND g.rolname IN ({ROLES}) AND has_column_privilege(g.oid, c.oid, a.attnum, p.privilege_type)""",
    "deletion": f"""
        SELECT format('DELETE of %s on %s.%s', g.rolname, n.nspname, c.relname)
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, pg_roles g
        WHERE {OURS} AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition
            AND g.rolname IN ({ROLES}) AND has_table_privilege(g.oid, c.oid, 'DELETE')""",
    "function": f"""
        SELECT format('%s.%s(%s) of %s', n.nspname, f.proname, pg_get_function_identity_arguments(f.oid), g.rolname)
        FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace, pg_roles g
        WHERE {OURS} AND g.rolname IN ({ROLES}) AND has_function_privilege(g.oid, f.oid, 'EXECUTE')""",
    "policy": f"""
        SELECT format('%s.%s: %s %s %s %s', schemaname, tablename, permissive, cmd, qual, with_check)
        FROM pg_policies p JOIN pg_namespace n ON n.nspname = p.schemaname WHERE {OURS}""",
}
"""What the former version's statements may use."""
DEMANDED = {
    "value": f"""
        SELECT format('%s.%s.%s wants a value', n.nspname, c.relname, a.attname), format('%s.%s', n.nspname, c.relname), NULL
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
            AND a.attnotnull AND NOT a.atthasdef AND a.attidentity = ''""",
    "rule": f"""
        SELECT format('%s.%s: %s', n.nspname, c.relname, regexp_replace(pg_get_constraintdef(k.oid), ' (ON DELETE|DEFERRABLE).*', '')), format('%s.%s', n.nspname, c.relname),
            (SELECT array_agg(attname::text) FROM pg_attribute WHERE attrelid = c.oid AND attnum = ANY(k.conkey))
        FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE {OURS} AND NOT c.relispartition AND k.contype IN ('c', 'u', 'f', 'x')""",
    "wall": f"""
        SELECT format('%s.%s has row security', n.nspname, c.relname), format('%s.%s', n.nspname, c.relname), NULL
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE {OURS} AND c.relrowsecurity""",
}
"""What its writes have to satisfy, with the table and the columns: it leaves those empty that it does not know."""


BREAKING = {
    "column": ("ALTER TABLE casework.accepted DROP COLUMN agency", "casework.accepted.agency text"),
    "right": ("REVOKE SELECT ON casework.accepted FROM casework", "SELECT of casework on casework.accepted.agency"),
    "deletion": ("REVOKE DELETE ON casework.outbox FROM casework", "DELETE of casework on casework.outbox"),
    "function": ("DROP FUNCTION walls.sees_all() CASCADE", "walls.sees_all() of police"),
    "policy": ("ALTER POLICY given_away ON register.children USING (false)", "register.children: PERMISSIVE SELECT"),
    "value": ("ALTER TABLE casework.accepted ADD newer text NOT NULL", "casework.accepted.newer wants a value"),
    "rule": ("ALTER TABLE casework.accepted ADD CHECK (agency <> '')", "casework.accepted: CHECK"),
    "wall": ("ALTER TABLE carers.inbox ENABLE ROW LEVEL SECURITY", "carers.inbox has row security"),
}
"""What each of these finds, by a change that the former version could not live with."""
RELEASED = versions.released()
needs_a_release = pytest.mark.skipif(not RELEASED, reason=versions.NOT_HERE)
Shape = psycopg.Connection[Any]


@pytest.fixture(scope="module")
def former(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its tree."""
    folder = tmp_path_factory.mktemp("former")
    versions.unpack(RELEASED, folder)
    return folder


@contextmanager
def another(database: Database, made: str = "CREATE DATABASE other_version") -> Iterator[str]:
    """The address of a database beside this version's."""
    with psycopg.connect(database.admin_url, dbname="postgres", autocommit=True) as postgres:
        postgres.execute(made)
        try:
            yield database.admin_url.rpartition("/")[0] + "/other_version"
        finally:
            postgres.execute("DROP DATABASE other_version WITH (FORCE)")


def gone(what: str, before: Shape, now: Shape) -> set[str]:
    had, has = ({row[0] for row in each.execute(KEPT[what])} for each in (before, now))
    return had - has - GONE.keys()


def added(what: str, before: Shape, now: Shape) -> set[str]:
    had, has = ({row[0]: row[1:] for row in each.execute(DEMANDED[what])} for each in (before, now))
    known = {row[0].partition(" ")[0] for row in before.execute(KEPT["column"])}
    tables = {column.rpartition(".")[0] for column in known}
    return {
        demand
        for demand, (table, columns) in has.items()
        if demand not in had and table in tables and {f"{table}.{each}" for each in columns or ()} <= known
    } - GONE.keys()


def examples(of: Path) -> dict[str, bytes]:
    """A whole envelope of each kind, as that version keeps it."""
    files = sorted((of / "schemas" / "examples").glob("*.json"))
    return {file.stem: json.dumps(json.loads(file.read_text())).encode() for file in files}


def contents(of: Path) -> dict[str, Any]:
    """The schema of each kind's content, as that version has it."""
    schemas = (json.loads(file.read_text()) for file in sorted((of / "schemas").glob("*/*.json")))
    return {each["title"]: each for each in schemas if "title" in each}


def values(schema: dict[str, Any], parts: dict[str, Any], field: str = "") -> Iterator[tuple[str, str]]:
    """Each field with each of its words; with its type, where it may be anything of it; and with `nothing`, where it may be
    left out.
    """
    if "$ref" in schema:
        schema = parts[schema["$ref"].rpartition("/")[2]]
    words = schema.get("enum", [schema["const"]] if "const" in schema else [])
    yield from ((field, str(each)) for each in words)
    if "type" in schema and not words:
        yield field, f"any {schema['type']}"
    for each in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
        yield from values(each, parts, field)
    for name, each in schema.get("properties", {}).items():
        yield from values(each, parts, f"{field} {name}")
        if name not in schema.get("required", ()):
            yield f"{field} {name}", "nothing"
    inner = (schema.get("items"), schema.get("additionalProperties"), *schema.get("prefixItems", ()))
    for each in filter(None, inner):
        yield from values(each, parts, f"{field} of")


def broadened(before: dict[str, Any], now: dict[str, Any]) -> set[str]:
    """What a field may be now that whoever read it before refuses. Fields that it did not have are passed over."""
    had, has = ({*values(each, each.get("$defs", {}))} for each in (before, now))
    known = {field for field, _ in had}
    is_free = {field for field, value in had if value == "any string"}
    return {
        f"{field}: {value}"
        for field, value in has - had
        if field in known and (field not in is_free or value == "nothing" or value.startswith("any "))
    }


def test_this_version_reads_every_message_of_the_former(former: Path) -> None:
    said = examples(former)
    assert len(said) > 100
    assert {kind: fault for kind, raw in said.items() if kind not in GONE and (fault := _fault_of(raw))} == {}


def test_the_former_version_reads_every_message_that_this_one_says(former: Path) -> None:
    """One that it does not know becomes a dead letter there, which a person is told of and which can be sent again: a kind is
    first known, while `said.yaml` leaves it out, and said by the release after.
    """
    now = examples(ROOT)
    kinds = {each.kind for says in SAYS.values() for each in says}
    assert len(kinds & now.keys()) > 100
    said = [raw for kind, raw in now.items() if kind in kinds]
    assert _in(former, READ_IT, given=b"\n".join(said)) == ""


def test_the_former_version_reads_every_value_of_the_kinds_that_both_say(former: Path) -> None:
    had, has = contents(former), contents(ROOT)
    both = {each.kind for says in SAYS.values() for each in says} & had.keys() & has.keys()
    assert len(both) > 100
    assert {f"{kind}{each}" for kind in both for each in broadened(had[kind], has[kind])} - NEWER.keys() == set()


def test_the_former_version_reads_the_rules_by_which_this_one_decides(former: Path) -> None:
    """It goes on with cases that this one has begun. A new word of the rules is first known, and used by the release after."""
    library = Library(files())
    days = [library.law.checked_on + timedelta(days=each) for each in (0, 400)]
    rules = {library.text(authority, day) for authority in ("kestrel", "exercise-kestrel") for day in days}
    assert min(map(len, rules)) > 500
    assert _in(former, PARSE_IT, given="\n".join(rules).encode()) == ""


def _list_of(*words: str) -> dict[str, Any]:
    return {"type": "array", "items": {"enum": words}}


BROADENED = {
    "another word": ({"enum": ["a"]}, {"enum": ["a", "b"]}, {" x: b"}),
    "a second word": ({"const": "a"}, {"enum": ["a", "b"]}, {" x: b"}),
    "any word": ({"enum": ["a"]}, {"type": "string"}, {" x: any string"}),
    "a word of a list": (_list_of("a"), _list_of("a", "b"), {" x of: b"}),
    "a word of a part": ({"$ref": "#/$defs/Part"}, {"$ref": "#/$defs/Wider"}, {" x in: b"}),
    "no word": ({"enum": ["a"]}, {"anyOf": [{"enum": ["a"]}, {"type": "null"}]}, {" x: any null"}),
    "fewer words": ({"enum": ["a", "b"]}, {"enum": ["a"]}, set()),
    "words in place of any": ({"type": "string"}, {"enum": ["a"]}, set()),
    "a field that was not there": (None, {"enum": ["a"]}, set()),
}
PARTS = {
    name: {"type": "object", "properties": {"in": {"enum": words}}}
    for name, words in {"Part": ["a"], "Wider": ["a", "b"]}.items()
}


@pytest.mark.parametrize("what", BROADENED)
def test_what_the_former_version_would_refuse_in_a_message_is_found(what: str) -> None:
    before, now, found = BROADENED[what]
    of_old, of_new = (
        {"properties": {"x": each} if each else {}, "required": ["x"], "$defs": PARTS} for each in (before, now)
    )
    assert broadened(of_old, of_new) == found
    assert broadened(of_new, of_new | {"required": []}) == {" x: nothing"}


@pytest.fixture
def of_the_former(former: Path, database: Database) -> Iterator[str]:
    """The address of a database that it made."""
    with another(database) as url:
        _in(former, MAKE_IT, url)
        yield url


@needs_a_release
def test_the_former_version_finds_in_the_database_what_it_uses_and_nothing_more_is_demanded(
    of_the_former: str, database: Database
) -> None:
    with psycopg.connect(of_the_former) as before, psycopg.connect(database.admin_url) as now:
        assert [line for what in KEPT for line in gone(what, before, now)] == []
        assert [line for what in DEMANDED for line in added(what, before, now)] == []


@needs_a_release
def test_a_database_of_the_former_version_is_taken_to_the_shape_that_a_new_one_has(
    of_the_former: str, database: Database
) -> None:
    apply(of_the_former)
    with psycopg.connect(of_the_former) as taken, psycopg.connect(database.admin_url) as new:
        for query in (*KEPT.values(), *DEMANDED.values()):
            has, wants = ({row[0] for row in each.execute(query)} for each in (taken, new))
            assert has ^ wants == set()


@needs_a_release
def test_no_migration_of_the_former_version_changes() -> None:
    """It has run elsewhere, and is not run again. What is to be different is a migration of its own."""
    assert versions.changed_since(RELEASED) == []


@pytest.mark.parametrize("what", BREAKING)
def test_what_the_former_version_could_not_live_with_is_found(database: Database, what: str) -> None:
    change, expected = BREAKING[what]
    find = gone if what in KEPT else added
    with (
        another(database, f"CREATE DATABASE other_version TEMPLATE {MIGRATED}") as url,
        psycopg.connect(database.admin_url) as before,
        psycopg.connect(url) as now,
    ):
        assert find(what, before, now) == set()
        now.execute(change)
        found = find(what, before, now)
    assert any(line.startswith(expected) for line in found)


def _fault_of(raw: bytes) -> str | None:
    try:
        read(raw)
    except Unreadable as fault:
        return fault.reason
    return None


def _in(former: Path, code: str, *arguments: str, given: bytes = b"") -> str:
    """What the former version's own code prints."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", code, *arguments]
    said = subprocess.run(command, cwd=former, env=environment, input=given, capture_output=True, check=False)
    assert said.returncode == 0, said.stderr.decode()
    return said.stdout.decode()
