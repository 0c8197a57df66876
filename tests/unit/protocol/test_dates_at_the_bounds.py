"""The earliest and the latest date that a door takes are decided on like any other: nothing that was let in becomes a dead letter."""

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from services.casework.openapi import sayable
from services.casework.policy import OURS
from services.protocol.loader import Library, files
from services.protocol.policy.case import Case, Facts
from services.protocol.policy.decide import decide
from services.protocol.policy.draft import Happened, Protocols
from services.protocol.policy.readings.episodes import READ
from services.safeguarding.child_events.events import ChildReportedMissing, Told
from services.schemas.messages import FORMATS, example

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
DAY, MOMENT = FORMATS["date"], FORMATS["date-time"].replace("+00:00", "Z")
BOUNDS = [
    {DAY: "1900-01-01", MOMENT: "2000-01-01T00:00:00+14:00"},
    {DAY: "2199-12-31", MOMENT: "2099-12-31T23:59:59-12:00"},
]
DATED = [
    kind
    for kind in sayable()
    if kind in READ and {DAY, MOMENT} & {str(value) for value in example(kind)["data"].values()}
]
PROTOCOLS = Protocols(Library(files(None)).current("default"))


@pytest.mark.parametrize("bound", BOUNDS, ids=["earliest", "latest"])
@pytest.mark.parametrize("is_missing", [False, True])
@pytest.mark.parametrize("kind", DATED, ids=lambda kind: kind.kind)
def test_each_kind_at_its_bounds_is_decided(kind: type[Told], is_missing: bool, bound: dict[str, str]) -> None:
    child = f"child-{uuid.UUID(int=7)}"
    facts = Facts(authority="default", force="f", placement=f"placement-{uuid.UUID(int=7)}")
    case = Case(child=child)
    if is_missing:
        report = Happened(ChildReportedMissing(authority="default"), "m1", child, NOW, False)
        case = decide(case, report, facts, PROTOCOLS, NOW).case
    written: dict[str, Any] = example(kind)["data"]
    given = {name: bound.get(str(value), value) for name, value in written.items() if name not in (*OURS, "words")}
    content = kind.model_validate(given | {"authority": "default"})
    decided = decide(case, Happened(content, "m2", child, NOW, False), facts, PROTOCOLS, NOW)
    assert decided.case.child == child
