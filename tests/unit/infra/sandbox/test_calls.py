"""Calls out, whose recipient presses a key, and calls in, whose caller presses a key and speaks."""

import pytest

from infra.sandbox import calls
from tests.support.outside.sandbox import CARER, OWN_NUMBER, STAFF, eventually, play_outside_world

SAYS = '<Response><Gather action="{url}/calls/keys?delivery=1"><Say>Press 1</Say></Gather></Response>'
LINE = """<Response><Gather action="{url}/calls/choice"><Say>Menu</Say></Gather>
    <Record action="{url}/calls/recording"/></Response>"""


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "SECONDS_TO_RING", 0)
    monkeypatch.setattr(calls, "SECONDS_TO_ANSWER", 0)


@pytest.mark.parametrize(("how", "pressed"), [("answered", ["1"]), ("machine", [])])
async def test_a_person_who_answers_presses_the_key_that_the_switch_says(how: str, pressed: list[str]) -> None:
    async with play_outside_world() as outside:
        await outside.behave("phone-network", calls=how, key="1")
        outside.application.answer = "<Response><Say>Thank you</Say></Response>"
        twiml = SAYS.format(url=outside.application.url)
        call = outside.world.calls.ring(
            calls.Call(OWN_NUMBER, STAFF, "x", None, frozenset(), keys_url=calls.action_of(twiml, "Gather"))
        )
        await eventually(lambda: call.status == "completed")
        assert [each.form["Digits"] for each in outside.application.at("/calls/keys")] == pressed
        assert call.heard == ["Thank you"] * len(pressed)


async def test_who_rings_hears_the_line_presses_and_speaks() -> None:
    async with play_outside_world(voice_url="{application}/calls/inbound") as outside:
        outside.application.answer = LINE.format(url=outside.application.url)
        dialled = {"from": CARER, "key": "1", "speaks": True}
        call = (await outside.scripts.post("/calls", json=dialled)).raise_for_status().json()
        [choice], [recording] = (outside.application.at(f"/calls/{path}") for path in ("choice", "recording"))
    assert (choice.form["Digits"], choice.form["From"], choice.form["CallSid"]) == ("1", CARER, call["sid"])
    assert recording.form["RecordingUrl"].endswith(recording.form["RecordingSid"])
    assert call["heard"] == ["Menu"] * 3
