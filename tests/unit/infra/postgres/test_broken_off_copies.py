"""A copy or a restoration that is broken off says why, and leaves nothing."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from infra.postgres.archive import restoration
from infra.postgres.archive.contents import SIGNATURE, base_name
from infra.postgres.archive.vault import CannotRestore, Reader
from infra.postgres.backup import DESTROYED, CannotBackUp, Tools, dump
from infra.postgres.place import Place
from services.platform.runtime import places


class Dying(Tools):
    """The database goes away once it has been copied."""

    def ask(self, statement: str) -> str:
        if statement == DESTROYED:
            raise CannotBackUp("PostgreSQL did not answer")
        return ""

    def command(self, tool: str, *arguments: str) -> list[str]:
        return ["echo", tool]


def test_a_copy_is_not_left_behind_without_the_list_of_what_was_erased(tmp_path: Path) -> None:
    with pytest.raises(CannotBackUp, match="did not answer"):
        dump(Dying(), tmp_path / "copy.dump", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_full_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unpack(*_: object) -> None:
        raise OSError(28, "No space left on device")

    base = base_name("7", datetime(2026, 11, 28, tzinfo=UTC), "0" * 24)
    place = places.open_place(TypeAdapter(places.Place).validate_python((tmp_path / "copies").as_uri()))
    for name in (base, base + SIGNATURE):
        (tmp_path / "copies" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "copies" / name).touch()
    monkeypatch.setattr(restoration, "_unpack", unpack)
    target = Place(Path("/none"), tmp_path / "restored" / "files", None)
    with pytest.raises(CannotRestore, match="No space left on device"):
        restoration.restore(Reader(place, "", ""), target)
    assert list(target.reachable.iterdir()) == []
