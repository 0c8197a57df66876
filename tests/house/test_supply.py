"""The images' lists of packages are of what is locked, and every licence in them is allowed or excepted by name."""

import json
from typing import Any

import pytest
import yaml
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from infra.supply.bill_of_materials import HERE, IMAGES, LOCKS, faults, locked, render

RULES: dict[str, Any] = yaml.safe_load((HERE / "licences.yaml").read_text())
BILLS = {image: (HERE / f"{image}.cdx.json").read_text() for image in IMAGES}


@pytest.mark.parametrize("image", IMAGES)
def test_the_list_is_of_what_is_locked_and_is_cyclonedx(image: str) -> None:
    wanted = locked((LOCKS / image).read_text())
    assert "cryptography" in wanted
    assert "pytest" not in wanted
    assert ("boto3" in wanted) == (image == "key-services.lock")
    listed = {
        each["name"].lower().replace("_", "-").replace(".", "-"): each["version"]
        for each in json.loads(BILLS[image])["components"]
    }
    assert listed == wanted, "run `python -m infra.supply.bill_of_materials`"
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(BILLS[image]) is None


def test_no_licence_is_forbidden_and_no_exception_is_idle() -> None:
    assert list(faults((each for bill in BILLS.values() for each in json.loads(bill)["components"]), RULES)) == []


@pytest.mark.parametrize(
    ("licences", "is_fault"),
    [
        ([{"license": {"id": "MIT"}}], False),
        ([{"expression": "GPL-2.0-only OR MIT"}], False),
        ([{"expression": "AGPL-3.0-only"}], True),
        ([{"license": {"id": "MIT"}}, {"license": {"id": "AGPL-3.0-or-later"}}], True),
        ([{"license": {"name": "License :: OSI Approved"}}], True),
        ([], True),
    ],
)
def test_what_is_not_allowed_needs_its_name_written(licences: list[Any], is_fault: bool) -> None:
    component = {"name": "x", "licenses": licences}
    rules = RULES | {"exceptions": {}}
    assert bool(list(faults([component], rules))) == is_fault
    assert list(faults([component], rules | {"exceptions": {"x": "because"}})) == (
        [] if is_fault else ["x: an exception that nothing needs"]
    )


def test_a_locked_package_that_is_not_installed_is_no_gap_in_the_list() -> None:
    with pytest.raises(KeyError):
        render("x==1 \\\n    --hash=sha256:0\n", {"components": []})
