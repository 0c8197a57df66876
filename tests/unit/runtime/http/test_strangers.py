"""How often somebody who is not known may ask, whoever shares their address."""

from contextlib import suppress

import pytest
from starlette.requests import Request

from services.platform.runtime.problems import NAMES_OF_AN_ADDRESS, Problem, Strangers


def _request() -> Request:
    return Request({"type": "http", "client": ("192.0.2.1", 1), "headers": []})


def _looked_at(strangers: Strangers, names: list[str]) -> int:
    looked_at = 0
    for name in names:
        try:
            strangers.let_in(_request(), name)
        except Problem:
            continue
        looked_at += 1
    return looked_at


@pytest.mark.parametrize("most", [3, 7])
def test_each_name_behind_one_gateway_has_its_own_count_and_made_up_names_end_too(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setenv("SAFE_RETURN_STRANGER_REQUESTS", str(most))
    strangers = Strangers()
    assert _looked_at(strangers, ["one"] * 20) == most
    assert _looked_at(strangers, ["two"] * most) == most
    strangers.remember(_request(), "two")
    made_up = _looked_at(strangers, [f"made-up-{each}" for each in range(500)])
    assert made_up == most * NAMES_OF_AN_ADDRESS - 2 * most
    assert _looked_at(strangers, ["two"] * 20) == 20


def test_who_is_behind_a_proxy_that_nobody_has_declared_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFE_RETURN_STRANGER_REQUESTS", "3")
    strangers = Strangers()
    flood, force = ("192.0.2.1", "northmoor-police"), ("192.0.2.2", "northmoor-police")
    let_in = [0, 0]
    for each, (behind, name) in ((0, flood), (1, force)):
        headers = [(b"x-forwarded-for", f"made up, {behind}".encode())]
        for _ in range(20):
            with suppress(Problem):
                strangers.let_in(Request({"type": "http", "client": ("10.0.0.1", 1), "headers": headers}), name)
                let_in[each] += 1
    assert let_in == [3, 3]


def test_a_name_of_a_whole_request_s_length_is_kept_and_counted_by_its_beginning(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Ten thousand of them would take hundreds of megabytes."""
    monkeypatch.setenv("SAFE_RETURN_STRANGER_REQUESTS", "3")
    assert _looked_at(Strangers(), [f"{'x' * 30_000}{each}" for each in range(10)]) == 3
