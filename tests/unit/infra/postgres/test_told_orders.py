"""What the operators' guide has an operator type to get the database back is what the commands take."""

import re

import pytest
from typer.main import get_group

from infra.postgres.__main__ import app
from tests.support.guide import read_guide

TOLD = read_guide()
ORDERS = re.findall(r"`([^`\n]*(?:safe-return-backups|infra\.postgres) (drill|restore|signer)( [^`]*)?)`", TOLD)


@pytest.mark.parametrize(("whole", "name", "arguments"), ORDERS)
def test_an_order_has_the_options_that_it_is_given(whole: str, name: str, arguments: str) -> None:
    known = {option for each in get_group(app).commands[name].params for option in each.opts}
    assert set(re.findall(r"--[a-z-]+", arguments)) <= known
    if ":/key:" in whole:
        assert " -u 0 " in whole, "the key is its owner's alone, and an image runs as another"


def test_both_orders_are_told() -> None:
    assert {name for _, name, _ in ORDERS} == {"drill", "restore"}
