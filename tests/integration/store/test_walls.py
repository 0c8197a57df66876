"""The walls between authorities in the database, with two tenants: each policy is taken away once, and a probe must notice."""

from collections.abc import Iterator

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql

from services.platform.store.query import SETTING
from tests.support.engines.database import Database

OURS, THEIRS = "kestrel", "lapwing"
ARRANGED = """
    INSERT INTO register.authorities VALUES ('{a}', '{a}');
    INSERT INTO register.forces VALUES ('{a}-force');
    INSERT INTO register.sharing_agreements VALUES ('{a}', 'r', '{a}-force', '{{}}', NULL, '2026-01-01');
    INSERT INTO register.agencies VALUES ('{a}-agency', '');
    INSERT INTO register.agency_agreements VALUES ('{a}', '{a}-agency', '{{}}', true);
    INSERT INTO register.text_numbers SELECT '{a}', 'twilio', '+4477' || abs(hashtext('{a}')) % 10000000 + 10000000, NULL;
    INSERT INTO register.placements VALUES ('{a}-home', '{a}', 'r', 'foster', NULL, '{a}-force');
    INSERT INTO register.people VALUES ('{a}-carer', '{a}', 'r', '', NULL, NULL, NULL, 'en');
    INSERT INTO register.placement_carers VALUES ('{a}-home', '{a}-carer', now(), NULL, now());
    INSERT INTO register.children (id, authority, reference, code, placement)
        VALUES ('{a}-child', '{a}', 'r', 'C1', '{a}-home');
    INSERT INTO register.photographs VALUES ('{a}-child', '', 'image/png', NULL, now());
    INSERT INTO register.directory VALUES ('{a}', 'duty', '{a}-carer', NULL, 1, 'every-day', '00:00', '00:00', true);
    INSERT INTO register.rota_changes VALUES
        (gen_random_uuid(), '{a}', '{a}-carer', 'duty', NULL, false, false, now(), now(), 'x');
    INSERT INTO disposal.holds VALUES (gen_random_uuid(), '{a}', NULL, NULL, 'words-1', 'x', now());
    INSERT INTO disposal.erasures VALUES (gen_random_uuid(), '{a}', '{a}-gone', NULL, 'x', now());
    INSERT INTO register.corrections VALUES ('{a}-carer', 'mobile', 'x', now());
    INSERT INTO register.words VALUES ('{a}-words', '{a}-child', '', NULL, now()), ('provisional-{a}-words', 'provisional-{a}', '', NULL, now()),
        ('person-{a}-words', 'person-{a}', '', NULL, now());
    INSERT INTO register.people VALUES ('person-{a}', '{a}', 'p', '', NULL, NULL, NULL, 'en');
    INSERT INTO register.reference_hashes VALUES ('{a}-words', '');
    INSERT INTO casework.transferred VALUES ('{a}', 'gone', '{a}-gone', now());
    INSERT INTO casework.imports VALUES (gen_random_uuid(), '{a}', 'x', now(), '{{}}');
    INSERT INTO casework.freshness VALUES ('{a}', 'children', now(), 'x', false);
    INSERT INTO casework.credentials VALUES ('{a}', '{a}', '{{children}}', '{a}', NULL, NULL, NULL, NULL, now(), now());
    INSERT INTO console.episodes VALUES
        (gen_random_uuid(), '{a}-child', 1, 'missing', now(), now(), false, '{{"authority": "{a}"}}', 'r'),
        (gen_random_uuid(), 'provisional-{a}', 1, 'missing', now(), now(), false, '{{"authority": "{a}"}}', 'r');
    INSERT INTO console.duties VALUES
        (gen_random_uuid(), '{a}-child', NULL, 1, 'open', true, false, now(), false, '{{"authority": "{a}"}}');
    INSERT INTO console.entries VALUES ('s', '{a}', '{a}-child', 'k', now(), now(), false, '{{"authority": "{a}"}}'),
        ('s', '{a}-unknown', 'provisional-{a}', 'k', now(), now(), false, '{{"authority": "{a}"}}');
    INSERT INTO console.dead_letters VALUES ('{a}', 's', 'o', 'r', NULL, now());
    WITH made AS (
        INSERT INTO strategy.discussions VALUES
            (gen_random_uuid(), gen_random_uuid(), 1, '{a}-child', '{a}', 1, 'planned', now(), false, NULL, NULL, NULL, 'full',
             now(), now(), '{{}}', '1 h') RETURNING discussion
    ), invited AS (
        INSERT INTO strategy.attendees SELECT gen_random_uuid(), 1, discussion, 'duty', gen_random_uuid(), '{a}-carer', NULL, 'waiting'
        FROM made
    ), asked AS (
        INSERT INTO strategy.recorders SELECT gen_random_uuid(), 1, discussion FROM made
    )
    INSERT INTO strategy.records SELECT discussion, '{{}}', ARRAY['{a}-words'], now() FROM made;
    INSERT INTO police.episodes VALUES ('{a}-force', gen_random_uuid(), '{a}-child', '{a}', false, 'missing', now());
    WITH made AS (
        INSERT INTO delivery.deliveries
            (id, service, lane, state, child, authority, urgent, exercise, code, attempts, created_at, next_attempt_at, key_owner, changed_at)
        SELECT gen_random_uuid(), service, 'texts', 'waiting', '{a}-child', '{a}', false, false, 'C', 0, now(), now(), 'x', now()
        FROM unnest(ARRAY['carers', 'police']) AS service RETURNING id, service
    ), tried AS (
        INSERT INTO delivery.attempts SELECT id, 1, service, 'text', now(), 1, 'ok', NULL, '' FROM made
    )
    INSERT INTO delivery.withdrawals SELECT service, id, 1, 1, now() FROM made;
"""
GIVEN_AWAY = f"""
    INSERT INTO register.children (id, authority, reference, code, placement)
        VALUES ('given', '{THEIRS}', 'given', 'C9', '{OURS}-home');
    INSERT INTO casework.transferred VALUES ('{OURS}', 'given', 'given', now());
    INSERT INTO register.words VALUES ('words-before', 'given', '', NULL, now()),
        ('words-after', 'given', '', NULL, now() + interval '1 day');
    INSERT INTO console.episodes VALUES
        (gen_random_uuid(), 'given', 1, 'missing', now() - interval '1 h', now(), false, '{{"authority": "{THEIRS}"}}', 'r');
    INSERT INTO console.entries VALUES ('s', 'before', 'given', 'k', now(), now(), false, '{{"authority": "{OURS}"}}');
"""
"""A child that was ours, is theirs by now, is missing, and still lives where it did."""
PROBES = {
    "register.authorities": ("casework", "id", "", ""),
    "register.sharing_agreements": ("casework", "authority", "", ""),
    "register.agency_agreements": ("casework", "authority", "", ""),
    "register.text_numbers": ("console", "authority", "", ""),
    "register.placements": ("casework", "id", "", f"{OURS}-home"),
    "register.people": ("casework", "id", "", f"{OURS}-carer"),
    "register.placement_carers": ("casework", "person", "", f"{OURS}-carer"),
    "register.children": ("casework", "id", "given", "given"),
    "register.photographs": ("casework", "child", "", ""),
    "register.directory": ("casework", "authority", "", ""),
    "register.rota_changes": ("console", "authority", "", ""),
    "disposal.holds": ("console", "authority", "", ""),
    "disposal.erasures": ("console", "authority", "", ""),
    "register.corrections": ("console", "person", "", ""),
    "register.words": ("walls", "id", "words-before", "words-before words-after"),
    "register.reference_hashes": ("walls", "words", "", ""),
    "casework.transferred": ("casework", "authority", "", ""),
    "casework.imports": ("casework", "authority", "", ""),
    "casework.freshness": ("casework", "authority", "", ""),
    "casework.credentials": ("casework", "authority", "", ""),
    "console.episodes": ("console", "child", "", "given"),
    "console.duties": ("console", "child", "", ""),
    "console.entries": ("console", "message_id", "before", "before"),
    "strategy.discussions": ("strategy", "authority", "", ""),
    "strategy.attendees": ("strategy", "person", "", ""),
    "police.episodes": ("police", "authority", "", ""),
    "delivery.deliveries": ("carers", "child", "", ""),
}
"""A wall a line: who reads the table, by which column, and what each of the two sees beside the rows that bear its own name."""
COUNTS = {
    "strategy recorders": ("strategy", "SELECT count(*) FROM strategy.recorders"),
    "strategy records": ("strategy", "SELECT count(*) FROM strategy.records"),
    "records by view": ("console", "SELECT count(*) FROM register.words_for_duty_desk WHERE id LIKE '%-words'"),
    "codes by view": ("carers", "SELECT count(*) FROM delivery.codes"),
    "deliveries by view": ("walls", "SELECT count(*) FROM delivery.deliveries"),
    "attempts": ("carers", "SELECT count(*) FROM delivery.attempts"),
    "attempts by view": ("walls", "SELECT count(*) FROM delivery.attempts"),
    "withdrawals": ("carers", "SELECT count(*) FROM delivery.withdrawals"),
    "deliveries of a service": ("police", "SELECT count(*) FROM delivery.deliveries WHERE service = 'police'"),
    "hashes to make anew": ("casework", "SELECT count(*) FROM register.reference_hashes"),
    "dead letters": ("console", "SELECT count(*) FROM console.dead_letters"),
    "words can be added": ("console", "INSERT INTO register.words VALUES ('w', 'nobody', '', NULL, now())"),
    "a hash can be added": ("console", "INSERT INTO register.reference_hashes VALUES ('w', '')"),
}
POLICIES = "SELECT schemaname || '.' || tablename, policyname, cmd FROM pg_policies ORDER BY 1, 2"
Sight = dict[tuple[str, str], object]


@pytest.fixture
def tenants(database: Database) -> Iterator[psycopg.Connection]:
    """Both authorities' rows, in a transaction that is rolled back."""
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")  # rows without all that they refer to
        for authority in (OURS, THEIRS):
            connection.execute(ARRANGED.format(a=authority).encode())
        connection.execute(GIVEN_AWAY.encode())
        yield connection
        connection.rollback()


def enter(connection: psycopg.Connection, role: str, *seen: str) -> None:
    connection.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
    connection.execute("SELECT set_config(%s, %s, true)", [SETTING, "{" + ",".join(seen) + "}"])


def sight(connection: psycopg.Connection) -> Sight:
    """What each of the two sees of each table, and what the machines see that are every authority's."""
    asked = {name: (role, f"SELECT {column} FROM {name}") for name, (role, column, _, _) in PROBES.items()} | COUNTS
    found: Sight = {}
    for seen in (OURS, THEIRS, "all"):
        for name, (role, query) in asked.items():
            try:
                with connection.transaction(force_rollback=True):
                    enter(connection, role, seen)
                    answer = connection.execute(query.encode())
                    found[seen, name] = sorted(answer.fetchall()) if answer.description else answer.rowcount
            except psycopg.Error as error:
                found[seen, name] = type(error).__name__
    return found


@pytest.mark.parametrize("name", PROBES)
def test_an_authority_sees_its_own_rows_and_what_it_must_of_a_child_that_was_given_away(
    tenants: psycopg.Connection, name: str
) -> None:
    seen = sight(tenants)
    for whose, also in zip((OURS, THEIRS), PROBES[name][2:], strict=True):
        rows = [str(row[0]) for row in seen[whose, name]]  # type: ignore[attr-defined]
        assert sorted(each for each in rows if whose not in each) == sorted(also.split())
        assert any(whose in each for each in rows)


def test_each_policy_is_missed_when_it_is_dropped_or_lets_everything_through(tenants: psycopg.Connection) -> None:
    before, unnoticed = sight(tenants), []
    for table, policy, command in tenants.execute(POLICIES).fetchall():
        opened = "WITH CHECK (true)" if command == "INSERT" else "USING (true)"
        for change in (f"DROP POLICY {policy} ON {table}", f"ALTER POLICY {policy} ON {table} {opened}"):
            with tenants.transaction(force_rollback=True):
                tenants.execute(change.encode())
                if sight(tenants) == before:
                    unnoticed.append(change)
    open_on_purpose = {f"ALTER POLICY {policy} ON" for policy in ("added", "of_every_service", "which_words")}
    assert [each for each in unnoticed if not each.startswith(tuple(open_on_purpose))] == []


def test_every_table_with_an_authority_has_a_wall_that_holds_its_owner_too(database: Database) -> None:
    with psycopg.connect(database.admin_url) as connection:
        rows = connection.execute(
            """SELECT c.oid::regclass::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
               WHERE a.attname = 'authority' AND c.relkind IN ('r', 'p') AND c.relnamespace::regnamespace::text NOT LIKE 'pg_%'
               AND NOT (c.relrowsecurity AND c.relforcerowsecurity) ORDER BY 1"""
        ).fetchall()
        owners = connection.execute("SELECT DISTINCT viewowner FROM pg_views WHERE schemaname = 'register'").fetchall()
    # Whose an agency's source or an unknown caller is, is asked before anybody knows the authority.
    # A key opens nothing without the row that it seals. What the record keeps of a chain that went, only its service reads;
    # of holdings it is no authority's row, but says how one is found.
    assert [name for (name,) in rows] == [
        "audit.removed", "carers.claims", "carers.enrolments", "carers.provisionals", "carers.questions", "holdings.tables", "professionals.mass_texts",
        "register.agency_sources", "register.authority_keys", "register.sealed_keys",
    ]  # fmt: skip
    assert owners == [("walls",)]


def test_a_session_that_names_no_authority_sees_no_row_of_any(tenants: psycopg.Connection) -> None:
    for name, (role, *_) in PROBES.items():
        tenants.execute(f"SET LOCAL ROLE {role}".encode())
        assert tenants.execute(f"SELECT count(*) FROM {name}".encode()).fetchone() == (0,), name
        tenants.execute("RESET ROLE")
    views = tenants.execute(
        "SELECT schemaname || '.' || viewname, role FROM pg_views, unnest(%s::text[]) AS role "
        "WHERE schemaname IN ('register', 'console', 'delivery') "
        "AND has_table_privilege(role, (schemaname || '.' || viewname)::regclass, 'SELECT')",
        [["casework", "carers", "protocol", "police", "strategy", "professionals", "console"]],
    ).fetchall()
    shown = set()
    for view, role in views:
        tenants.execute(sql.SQL("SET LOCAL ROLE {}").format(sql.Identifier(role)))
        if tenants.execute(f"SELECT count(*) FROM {view}".encode()).fetchone() != (0,):
            shown.add(view.removeprefix("register."))
        tenants.execute("RESET ROLE")
    assert shown <= {
        "forces_for_police",
        "forces_for_console",
        "reporters_for_police",
    }  # forces and agencies are nobody's


WRITES = st.lists(
    st.tuples(
        st.sampled_from(sorted(name for name, (role, *_) in PROBES.items() if role != "walls")),
        st.sampled_from(["UPDATE {table} SET {column} = {column} || 'x'", "DELETE FROM {table}", "SELECT * FROM {table} FOR UPDATE",
                         "UPDATE {table} SET {column} = '" + OURS + "'"]),
    ),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=WRITES)
def test_nothing_that_is_done_as_one_changes_a_byte_of_the_other(
    tenants: psycopg.Connection, writes: list[tuple[str, str]]
) -> None:
    def theirs() -> list[object]:
        return [
            tenants.execute(
                f"SELECT t::text FROM {table} t WHERE t::text LIKE '%{THEIRS}%' ORDER BY 1".encode()
            ).fetchall()
            for table in PROBES
        ]

    before = theirs()
    with tenants.transaction(force_rollback=True):
        for table, write in writes:
            role, column, *_ = PROBES[table]
            try:
                with tenants.transaction():
                    enter(tenants, role, OURS)
                    tenants.execute(write.format(table=table, column=column).encode())
                    tenants.execute("RESET ROLE")
            except psycopg.Error:
                tenants.execute("RESET ROLE")
        assert theirs() == before
