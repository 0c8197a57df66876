"""Who is given which field is read from the migrations, and nothing that is granted is passed over."""

import pytest

from services.handbook.documents.pages import disclosure_page, views

SQL = """
CREATE VIEW register.seen AS
SELECT ch.id AS child, count(*) FILTER (WHERE a = 1, 2) AS all_told, ch.code FROM register.children ch;
GRANT SELECT ON register.seen TO police, console;
GRANT SELECT ON register.seen TO carers;
"""


def test_a_column_goes_by_its_alias_and_every_grant_counts() -> None:
    assert [*views(SQL)] == [("seen", "carers, console, police", ("child", "all_told", "code"))]


def test_a_later_migration_of_a_view_counts() -> None:
    later = "CREATE OR REPLACE VIEW register.seen AS\nSELECT ch.id AS child, ch.known_as FROM register.children ch;"
    granted = "GRANT SELECT ON register.seen TO police, strategy;"
    assert [*views(SQL + later + granted)] == [("seen", "carers, console, police, strategy", ("child", "known_as"))]


def test_a_view_that_is_granted_and_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match="the columns of hidden cannot be read"):
        views(SQL + "GRANT SELECT ON register.hidden TO police;")


def test_the_protocol_is_given_no_name_and_police_are() -> None:
    columns = {each.name: each.columns for each in views() if "protocol" in each.services.split(", ")}
    assert columns
    assert not [name for name, listed in columns.items() if {"name", "address", "mobile"} & {*listed}]
    assert "| `for_police_notice` | casework, police | child, code, name," in disclosure_page()
