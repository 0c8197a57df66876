"""The example is big enough for every story, and has nothing of a real person."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from infra.local.example import authority as example_authority
from infra.local.processes import ports
from infra.local.settings.secret_files import SecretFiles

DRAMA_MOBILE = re.compile(r"^\+447700900[0-9]{3}$")
DRAMA_LANDLINE = re.compile(r"^\+441632960[0-9]{3}$")


@pytest.fixture
def secrets(tmp_path: Path) -> SecretFiles:
    return SecretFiles(tmp_path)


@pytest.fixture
def kestrel(secrets: SecretFiles) -> example_authority.Authority:
    return next(
        one for one in example_authority.authorities(secrets, ports.FIXED) if one["authority"]["id"] == "kestrel"
    )


def test_no_placeholder_is_left(secrets: SecretFiles) -> None:
    assert "{" not in re.sub(
        r'[{}]\s*"|"[^"{]*"|[{}]', "", json.dumps(list(example_authority.authorities(secrets, ports.FIXED)))
    )


def test_every_number_is_one_that_ofcom_keeps_for_drama(secrets: SecretFiles) -> None:
    organisations = example_authority.organisations(secrets, ports.FIXED)
    for authority in example_authority.authorities(secrets, ports.FIXED):
        assert all(DRAMA_MOBILE.match(person["mobile"]) for person in authority["people"])
        landlines = [authority["authority"]["duty_line"], *(force["callback"] for force in organisations["forces"])]
        assert all(DRAMA_LANDLINE.match(number) for number in landlines)


def test_no_two_people_share_a_phone(secrets: SecretFiles) -> None:
    phones = Counter(phone["number"] for phone in example_authority.cast(secrets, ports.FIXED)["phones"])
    assert max(phones.values()) == 1


def test_there_is_a_couple_with_one_child_and_a_home_with_six(kestrel: example_authority.Authority) -> None:
    carers = Counter(carer["placement"] for carer in kestrel["carers"])
    children = Counter(child["placement"] for child in kestrel["children"])
    kinds = {placement["reference"]: placement["kind"] for placement in kestrel["placements"]}
    assert any(carers[place] == 2 and children[place] == 1 and kinds[place] == "foster" for place in carers)
    assert any(carers[place] == 2 and children[place] == 6 and kinds[place] == "residential" for place in carers)


def test_somebody_is_on_duty_at_any_hour(kestrel: example_authority.Authority) -> None:
    night = [row for row in kestrel["directory"] if row["role"] == "duty.emergency-team"]
    assert all(
        (row["from"], row["to"], row["days"], row["bank_holidays"]) == ("00:00", "00:00", "every-day", True)
        for row in night
    )
    assert len(night) == 2


def test_everything_that_is_referred_to_exists(kestrel: example_authority.Authority) -> None:
    people = {person["reference"] for person in kestrel["people"]}
    placements = {placement["reference"] for placement in kestrel["placements"]}
    children = {child["reference"] for child in kestrel["children"]}
    forces = {agreement["force"] for agreement in kestrel["sharing_agreements"]}
    assert {row["person"] for row in kestrel["directory"]} | {carer["person"] for carer in kestrel["carers"]} <= people
    assert {child["placement"] for child in kestrel["children"]} | {
        carer["placement"] for carer in kestrel["carers"]
    } <= placements
    assert {row["child"] for row in kestrel["directory"]} - {None} <= children
    assert {placement["force"] for placement in kestrel["placements"]} == forces


def test_a_desk_signs_with_the_secret_that_the_register_holds_for_its_replies(
    secrets: SecretFiles,
) -> None:
    desks = {desk["force"]: desk for desk in example_authority.cast(secrets, ports.FIXED)["desks"]}
    for force in example_authority.organisations(secrets, ports.FIXED)["forces"]:
        if "secrets" not in force:
            continue
        assert desks[force["id"]]["reply_secret"] in force["reply_secrets"]
        assert desks[force["id"]]["secrets"] == force["secrets"]
        if force["id"] == "northmoor-police":
            assert force["notice_url"] == f"http://127.0.0.1:8100/desks/{force['id']}/notices"


def test_staff_answer_by_themselves_and_carers_do_not(secrets: SecretFiles) -> None:
    answers = {(phone["role"], phone["answers"]) for phone in example_authority.cast(secrets, ports.FIXED)["phones"]}
    assert answers == {("carer", False), ("staff", True), ("child", False), ("stranger", False)}


def test_there_is_a_force_without_an_api_whose_mailbox_has_an_officer_and_one_with_a_wrong_certificate(
    secrets: SecretFiles,
) -> None:
    cast = example_authority.cast(secrets, ports.FIXED)
    forces = {each["id"]: each for each in example_authority.organisations(secrets, ports.FIXED)["forces"]}
    [room] = [each for each in cast["mailboxes"] if "officer" in each]
    assert room["address"] == forces["westmark-police"]["notice_email"]
    assert forces["eastmoor-police"]["notice_url"].startswith(f"https://127.0.0.1:{cast['tls_port']}/")
    assert {each["force"] for each in cast["desks"]} == set(forces) - {"westmark-police"}
