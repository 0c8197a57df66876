"""Need to know, enforced by the database: a role reads its own purpose's views and nothing else."""

import psycopg
import pytest

from services.platform.store.query import AT_LOGIN
from tests.support.engines.database import Database

BASE_TABLES = (
    "children",
    "people",
    "placements",
    "directory",
    "force_versions",
    "agencies",
    "words",
    "placement_carers",
)


def _login(database: Database, role: str) -> psycopg.Connection:
    settings = database.settings(role)
    return psycopg.connect(
        settings.database,
        user=role,
        password=settings.database_password.get_secret_value(),
        autocommit=True,
        options=AT_LOGIN,
    )


@pytest.mark.parametrize("table", BASE_TABLES)
@pytest.mark.parametrize(
    "role", ["police", "carers", "professionals", "protocol", "clock", "audit", "console", "strategy"]
)
def test_no_service_but_casework_reads_a_table_of_the_register(database: Database, role: str, table: str) -> None:
    with _login(database, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM register.{table}")


@pytest.mark.parametrize("role", ["protocol", "clock", "audit"])
def test_roles_without_personal_work_reach_no_data_key(database: Database, role: str) -> None:
    with _login(database, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("SELECT * FROM register.data_keys")


@pytest.mark.parametrize(
    ("role", "view"),
    [
        ("carers", "for_police_notice"),
        ("professionals", "for_conversation"),
        ("protocol", "for_contact"),
        ("police", "for_contact"),
        ("console", "for_conversation"),
        ("console", "words_said"),
        ("console", "for_contact"),
        ("console", "forces_for_police"),
        ("carers", "sharing_for_police"),
        ("police", "versions_tried"),
        ("police", "words_of_operators"),
        ("police", "words_for_duty_desk"),
        ("professionals", "people_for_duty_desk"),
        ("carers", "for_duty_desk"),
        ("carers", "words_told_to_police"),
        ("console", "words_told_to_police"),
        ("strategy", "words_told_to_police"),
        ("professionals", "directory_for_console"),
        ("clock", "for_protocol"),
        ("carers", "agencies_for_events"),
    ],
)
def test_a_view_is_closed_to_other_purposes(database: Database, role: str, view: str) -> None:
    with _login(database, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(f"SELECT * FROM register.{view}")


@pytest.mark.parametrize("role", ["carers", "police", "professionals", "console"])
def test_nobody_but_casework_writes_the_register(database: Database, role: str) -> None:
    with _login(database, role) as connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute("INSERT INTO register.authorities VALUES ('x', 'x', NULL)")


def test_what_was_said_is_for_the_duty_desk_but_a_discussions_record_and_reasons_have_views_of_their_own(
    database: Database,
) -> None:
    with psycopg.connect(database.admin_url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")  # there is no such discussion
        connection.execute("INSERT INTO register.words VALUES ('words-of-record', 'child-x', '', NULL, now())")
        connection.execute("INSERT INTO strategy.records VALUES (gen_random_uuid(), '{}', '{words-of-record}', now())")
    with _login(database, "police") as connection:
        connection.execute("INSERT INTO register.words VALUES ('words-of-carer', 'child-x', '', 'person-1', now())")
    with _login(database, "console") as connection:
        connection.execute("INSERT INTO register.words VALUES ('words-of-manager', 'child-x', '', 'account-1', now())")
        for view, wanted in (
            ("words_of_operators", ["words-of-manager"]),
            ("words_for_duty_desk", ["words-of-carer", "words-of-manager"]),
        ):
            rows = connection.execute(f"SELECT id FROM register.{view} WHERE about = 'child-x' ORDER BY id").fetchall()
            assert [each for (each,) in rows] == wanted


@pytest.mark.parametrize("role", ["casework", "carers", "police", "console"])
def test_words_can_be_added_but_not_changed_or_removed(database: Database, role: str) -> None:
    with _login(database, role) as connection:
        connection.execute("INSERT INTO register.words VALUES (%s, 'child-x', '', NULL, now())", [f"words-of-{role}"])
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE register.words SET words = ''")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM register.words")
