"""A period is named by its month or year, and its table checked before it is sent."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.options.returns.missing_rules import MEANINGS, RULES, find_faults
from services.options.returns.pages import OF_TABLE, period_of


@pytest.mark.parametrize("name", ["", "november", "2026-13", "10000", "9999-12", "99999999999999999999"])
def test_what_names_no_period_is_none(name: str) -> None:
    assert period_of(name) is None


@pytest.mark.parametrize(("name", "before"), [("2026-01", "2025-12"), ("2026-11", "2026-10"), ("2026", "2025")])
def test_the_period_before_is_as_long(name: str, before: str) -> None:
    found = period_of(name)
    assert found is not None
    assert found.before == period_of(before)


TABLES = json.loads(Path(__file__).with_name("missing_tables.json").read_text())
"""Sixty tables, and the rows that the Department's own rules find fault with: those of csc-validator-be-903 0.1.17, each
run alone for the year from April 2026. The package wants a pandas that is not ours.
"""


@pytest.mark.parametrize("table", TABLES, ids=range(len(TABLES)))
def test_the_missing_table_is_checked_as_the_department_checks_it(table: dict[str, list[list[Any]]]) -> None:
    rows = [dict(zip(OF_TABLE, row, strict=True)) for row in table["rows"]]
    year = period_of("2026")
    assert year is not None
    assert [[each.row, each.rule] for each in find_faults(rows, *year.days)] == table["faults"]


def test_each_rule_has_a_table_that_breaks_it_and_says_what_is_wrong() -> None:
    broken = {rule for table in TABLES for _, rule in table["faults"]}
    assert broken == MEANINGS.keys() == {*RULES, "574"}
    assert any(not table["faults"] for table in TABLES)
