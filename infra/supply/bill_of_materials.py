"""Renders a CycloneDX list of each image's packages and their licences: `python -m infra.supply.bill_of_materials`.

The lock says which packages; what is installed here, from the same lock, says their licences. `make lock` renders it.
"""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

HERE = Path(__file__).parent
LOCKS = HERE.parent / "docker"
IMAGES = ("requirements.lock", "key-services.lock")
IN_THE_IMAGE = {"python_version": "3.13", "python_full_version": "3.13.0", "sys_platform": "linux", "os_name": "posix"}
KEPT = ("bom-ref", "type", "name", "version", "purl", "licenses")


def locked(lock: str) -> dict[str, str]:
    """The version of each package that the image holds, by its canonical name."""
    lines = (line.rstrip("\\ ") for line in lock.splitlines() if line and not line.startswith((" ", "#")))
    wanted = (Requirement(line) for line in lines)
    return {
        canonicalize_name(each.name): str(each.specifier).removeprefix("==")
        for each in wanted
        if each.marker is None or each.marker.evaluate(IN_THE_IMAGE)
    }


def render(lock: str, installed: Mapping[str, Any]) -> str:
    """One package a line. Raises KeyError for a locked package that is not installed here."""
    known: dict[str, Any] = {canonicalize_name(each["name"]): each for each in installed["components"]}
    components = ({key: known[name][key] for key in KEPT if key in known[name]} for name in sorted(locked(lock)))
    lines = ",\n".join(json.dumps(each, sort_keys=True) for each in components)
    head = '{"bomFormat": "CycloneDX", "specVersion": "1.6", "version": 1,\n"metadata": {"component": '
    return f'{head}{{"type": "application", "name": "safe-return"}}}},\n"components": [\n{lines}\n]}}\n'


def licences_of(component: Mapping[str, Any]) -> Iterator[str]:
    """Each licence that a package names: an SPDX expression, or the package's own words."""
    for each in component.get("licenses", ()):
        licence = each.get("license", {})
        yield each.get("expression") or licence.get("id") or licence["name"]


def faults(components: Iterable[Mapping[str, Any]], rules: Mapping[str, Any]) -> Iterator[str]:
    """Packages whose licence is neither allowed nor excepted by name, and exceptions that nothing needs."""
    unused = set(rules["exceptions"])
    for component in components:
        found = [each for each in licences_of(component) if each not in rules["says_nothing"]]
        if found and all(set(rules["allowed"]) & set(each.split(" OR ")) for each in found):
            continue
        unused.discard(component["name"])
        if component["name"] not in rules["exceptions"]:
            yield f"{component['name']}: {', '.join(found) or 'no licence'}"
    yield from (f"{name}: an exception that nothing needs" for name in sorted(unused))


def main() -> None:
    listed = subprocess.run(
        [str(Path(sys.executable).with_name("cyclonedx-py")), "environment", "--output-reproducible", sys.executable],
        check=True,
        capture_output=True,
    )
    for image in IMAGES:
        bill = render((LOCKS / image).read_text(), json.loads(listed.stdout))
        (HERE / f"{image}.cdx.json").write_text(bill)


if __name__ == "__main__":
    main()
