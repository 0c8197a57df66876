"""What follows from each of Twilio's codes."""

import pytest

from services.platform.delivery.channels.sms import MEANINGS, meaning


@pytest.mark.parametrize("code", [20429, 20500, 20503, 21611, 30001, 30008, 63018])
def test_what_passes_by_itself_is_tried_again(code: int) -> None:
    assert meaning(code, 400).passes
    assert not meaning(code).operator


@pytest.mark.parametrize("code", [20003, 20005, 21606, 30002])
def test_what_only_a_change_of_settings_mends_is_tried_again_and_an_operator_is_told(code: int) -> None:
    assert meaning(code, 401).passes
    assert meaning(code, 401).operator


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (21211, "no-address"), (21614, "undeliverable"), (21610, "opted-out"), (21612, "undeliverable"), (30003, "undeliverable"),
        (30004, "undeliverable"), (30005, "undeliverable"), (30006, "undeliverable"), (30007, "undeliverable"), (30036, "undeliverable"),
    ],
)  # fmt: skip
def test_what_will_not_pass_leads_to_the_next_person(code: int, reason: str) -> None:
    assert meaning(code, 400).reason == reason


@pytest.mark.parametrize(
    ("code", "by_voice"),
    [
        (21211, False), (21610, False), (20429, False), (30001, False), (30008, False), (63018, False),
        (21612, True), (21614, True), (30003, True), (30004, True), (30005, True), (30006, True), (30007, True), (30036, True),
    ],
)  # fmt: skip
def test_a_call_is_made_where_it_may_get_through_and_nowhere_else(code: int, by_voice: bool) -> None:
    assert meaning(code, 400).by_voice is by_voice


@pytest.mark.parametrize(
    ("status", "passes"), [(400, False), (404, False), (408, True), (429, True), (500, True), (503, True), (None, True)]
)
def test_of_an_unknown_code_the_http_status_decides(status: int | None, passes: bool) -> None:
    assert 99999 not in MEANINGS
    assert meaning(99999, status).passes is passes
