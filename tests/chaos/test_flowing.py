"""What is lost or doubled is found although each text and notice is read once."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from tests.chaos.flowing import REPLY, REPORT, Heard
from tests.support.outside.world import Carer, World

BEGUN = datetime(2026, 11, 27, 20, tzinfo=UTC)
ONE, OTHER = Carer("+447700900600", "T100"), Carer("+447700900601", "T101")


class Outside:
    """As much of the world as is heard; each entry is given once."""

    carers_numbers = staticmethod(World.carers_numbers)

    def __init__(self) -> None:
        self._texts: list[dict[str, Any]] = []
        self._notices: list[dict[str, Any]] = []

    def reported(self, carer: Carer) -> None:
        self._texts.append({"from": carer.number, "to": "", "body": "MISSING", "at": BEGUN.isoformat()})

    def texted(self, carer: Carer, *kinds: str) -> None:
        self._texts += [{"from": "", "to": carer.number, "body": each, "at": BEGUN.isoformat()} for each in kinds]

    def noticed(self, carer: Carer, episode: str, seconds: int = 1) -> None:
        data = {"episode": episode, "about": "missing", "placement": {"carers": [{"telephone": carer.number}]}}
        received = (BEGUN + timedelta(seconds=seconds)).isoformat()
        self._notices.append({"received_at": received, "body": {"type": "missing-notice.new", "data": data}})

    def texts(self, since: int) -> list[dict[str, Any]]:
        return self._after(self._texts, since)

    def notices(self, *, since: int) -> list[dict[str, Any]]:
        return self._after(self._notices, since)

    @staticmethod
    def _after(entries: list[dict[str, Any]], since: int) -> list[dict[str, Any]]:
        return [{"n": n, **each} for n, each in enumerate(entries, 1) if n > since]


def test_each_text_and_notice_counts_once_however_often_somebody_listens() -> None:
    outside = Outside()
    heard = Heard(cast("World", outside))
    for carer in (ONE, OTHER):
        outside.reported(carer)
        outside.texted(carer, REPLY, REPORT)
        outside.noticed(carer, f"of {carer.number}", seconds=3)
        heard.listen()
        heard.listen()
    assert heard.tally([ONE, OTHER]).is_right
    assert heard.seconds_to_desk([ONE, OTHER]) == [3.0, 3.0]


def test_what_did_not_come_is_lost_and_what_comes_again_is_doubled() -> None:
    outside = Outside()
    heard = Heard(cast("World", outside))
    outside.texted(ONE, REPLY)
    outside.noticed(ONE, "first")
    heard.listen()
    outside.texted(ONE, REPLY)
    outside.noticed(ONE, "second")
    heard.listen()
    found = heard.tally([ONE, OTHER])
    assert found.lost == [f"report of {ONE.number}"] + [
        f"{what} of {OTHER.number}" for what in ("notice", "episode", "reply", "report")
    ]
    assert found.doubled == [f"{what} of {ONE.number}: 2" for what in ("notice", "episode", "reply")]
