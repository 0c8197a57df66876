"""Kinds of message: one name, one class, and whoever reads the bus finds it."""

from typing import Any

import pytest

from services.safeguarding.child_events.events import ChildReportedMissing
from services.safeguarding.contracts import contract_of, contracts
from services.safeguarding.message import CONTRACTS, Message, Topic, class_name


@pytest.mark.parametrize(
    ("kind", "named"),
    [
        ("child.reported-missing.v1", "ChildReportedMissing"),
        ("duty.accepted.v2", "DutyAccepted"),
        ("age.dispute-opened.v10", "AgeDisputeOpened"),
    ],
)
def test_a_class_has_its_name_from_the_kind(kind: str, named: str) -> None:
    assert class_name(kind) == named


@pytest.mark.parametrize(
    "kind", ["child.reported-missing", "missing.v1", "Child.missing.v1", "child..v1", "child.m.v0", ""]
)
def test_what_is_no_kind_is_refused_with_the_form_it_should_have(kind: str) -> None:
    with pytest.raises(ValueError, match=r"is not a kind such as child\.reported-missing\.v1") as refused:
        class_name(kind)
    assert repr(kind) in str(refused.value)


def test_a_class_that_is_not_named_for_its_kind_is_refused() -> None:
    with pytest.raises(
        TypeError, match=r"child\.vanished\.v1 must be the kind of a class named ChildVanished, not Lost"
    ):
        type("Lost", (Message,), {}, kind="child.vanished.v1")
    assert "child.vanished.v1" not in CONTRACTS


def test_a_kind_belongs_to_one_class() -> None:
    with pytest.raises(TypeError, match=r"child\.reported-missing\.v1 is the kind of two classes"):
        type("ChildReportedMissing", (Message,), {}, kind="child.reported-missing.v1")
    assert CONTRACTS["child.reported-missing.v1"] is ChildReportedMissing


def test_a_new_kind_is_known_by_its_name_and_travels_on_its_family_s_topic() -> None:
    try:
        family = type("Family", (Message,), {}, topic=Topic.EVIDENCE)
        heard: Any = type("StoryHeard", (family,), {}, kind="story.heard.v1")
        assert (heard.kind, heard.topic) == ("story.heard.v1", Topic.EVIDENCE)
        assert contract_of("story.heard.v1") is heard
        assert not hasattr(family, "kind")
    finally:
        CONTRACTS.pop("story.heard.v1", None)


@pytest.mark.parametrize(
    ("kind", "topic", "found"),
    [
        ("child.reported-missing.v1", None, ChildReportedMissing),
        ("child.reported-missing.v1", Topic.CHILD_EVENTS, ChildReportedMissing),
        ("child.reported-missing.v1", Topic.DUTIES, None),
        ("child.reported-missing.v9", None, None),
    ],
)
def test_a_kind_is_found_on_its_own_topic_alone(kind: str, topic: Topic | None, found: type[Message] | None) -> None:
    assert contract_of(kind, topic) is found


def test_whoever_lists_the_kinds_cannot_change_them() -> None:
    listed = contracts()
    assert listed == CONTRACTS
    listed.clear()
    assert CONTRACTS
