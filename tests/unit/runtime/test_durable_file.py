"""A file is there whole, or not at all."""

from io import BytesIO
from pathlib import Path

import pytest

from services.platform.runtime.places import write_durably


class _Ending(BytesIO):
    def read(self, size: int | None = -1, /) -> bytes:
        if self.tell():
            raise OSError
        return super().read(size)


def test_what_could_not_be_written_whole_takes_no_place(tmp_path: Path) -> None:
    write_durably(tmp_path / "copy", BytesIO(b"former"))
    with pytest.raises(OSError):  # noqa: PT011 any
        write_durably(tmp_path / "copy", _Ending(b"anew" * 1_000_000))
    assert [each.name for each in tmp_path.iterdir()] == ["copy"]
    assert (tmp_path / "copy").read_bytes() == b"former"
