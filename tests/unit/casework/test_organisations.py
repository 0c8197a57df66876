"""When a change of a force may be approved or taken back, and which version holds."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from pydantic import ValidationError

from services.options.register_upkeep.policy.organisations import (
    Change,
    ForceRow,
    Organisations,
    why_not_approved,
    why_not_taken_back,
)
from services.platform.delivery.webhook_signature import generate_key
from services.platform.register.organisations import KEYS_OVERLAP, Force, in_force
from tests.support.in_process.register import APPROVER, PROPOSER, SECRET

NOW = datetime(2026, 11, 27, 7, tzinfo=UTC)
WAITS = Change(uuid4(), "force", "northmoor", PROPOSER, None, was_tried=True, is_over=False, others_in_force=1)


@pytest.mark.parametrize(
    ("version", "by", "why"),
    [
        (WAITS, APPROVER, None),
        (WAITS, PROPOSER, "second person"),
        (replace(WAITS, was_tried=False), APPROVER, "try it first"),
        (replace(WAITS, effective_at=NOW), APPROVER, "waits for approval"),
        (replace(WAITS, is_over=True), APPROVER, "waits for approval"),
        (None, APPROVER, "waits for approval"),
        (replace(WAITS, newest_from=NOW - timedelta(minutes=1)), APPROVER, None),
        (replace(WAITS, newest_from=NOW), APPROVER, "from 2026-11-27 07:00 UTC"),
    ],
)
def test_a_change_is_approved_once_by_a_second_person_after_its_trial(
    version: Change | None, by: str, why: str | None
) -> None:
    found = why_not_approved(version, by, NOW)
    assert found is None if why is None else why in str(found)


@pytest.mark.parametrize(
    ("version", "why"),
    [
        (WAITS, None),
        (replace(WAITS, effective_at=NOW), None),
        (replace(WAITS, others_in_force=0), None),
        (replace(WAITS, effective_at=NOW, others_in_force=0), "no other version"),
        (replace(WAITS, is_over=True), "no version"),
        (None, "no version"),
    ],
)
def test_the_only_version_of_a_force_is_not_taken_back(version: Change | None, why: str | None) -> None:
    found = why_not_taken_back(version)
    assert found is None if why is None else why in str(found)


def version(key: str, effective_at: datetime | None) -> Force:
    return Force(
        "northmoor",
        uuid4(),
        effective_at,
        "N",
        f"https://{key}",
        None,
        False,
        (key,),
        (key,),
        None,
        None,
        None,
        None,
        False,
    )


HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("since", "keys"),
    [
        (-HOUR, ("old", "new")),
        (HOUR, ("new", "old")),
        (KEYS_OVERLAP + HOUR, ("new",)),
    ],
)
def test_both_keys_hold_from_the_approval_until_a_day_after_the_change(since: timedelta, keys: tuple[str, ...]) -> None:
    versions = [version("old", NOW - 30 * KEYS_OVERLAP), version("new", NOW - since), version("proposed", None)]
    found = in_force(versions, NOW)
    assert found is not None
    assert (found.secrets, found.reply_secrets, found.notice_url) == (keys, keys, f"https://{keys[0]}")
    assert [each.secrets for each in found.proposed] == [("proposed",)]


def test_a_force_of_which_nothing_holds_yet_is_not_reached() -> None:
    assert in_force([version("new", NOW + HOUR), version("proposed", None)], NOW) is None


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"notice_url": "ftp://desk"}, "notice_url"),
        ({"notice_url": None}, ""),
        ({"notice_url": None, "notice_email": "desk@n.example"}, ""),
        ({"notice_email": "desg@\u2100.example"}, "notice_email"),
        ({"secrets": []}, ""),
        ({"secrets": ["whsec_short"]}, "secrets.0"),
        ({"secrets": ["whsec_" + "A" * 33]}, "secrets.0"),
        ({"secrets": [generate_key()[1]]}, "secrets.0"),
        ({"reply_secrets": [generate_key()[0]]}, "reply_secrets.0"),
        ({"reply_secrets": ["whpk_" + "A" * 8]}, "reply_secrets.0"),
        ({"private_ca": "none"}, "private_ca"),
        ({"client_certificate": "none"}, "client_certificate"),
        ({"oauth": {"token_url": "ftp://t", "client": "c", "secret": "s"}}, "oauth.token_url"),
        ({"agreed": ["said"]}, "agreed"),
    ],
)
def test_a_fault_of_a_force_is_named_and_shows_no_value(changes: dict[str, object], field: str) -> None:
    good = {"id": "n", "name": "N", "notice_url": "https://n.example/", "secrets": [SECRET], "reply_secrets": [SECRET]}
    ForceRow.model_validate(good)
    with pytest.raises(ValidationError) as refused:
        Organisations.model_validate({"forces": [good | changes]})
    assert {".".join(map(str, each["loc"])) for each in refused.value.errors()} == {f"forces.0.{field}".rstrip(".")}
    assert "whsec_" not in str(refused.value).replace("whsec_ and", "")
