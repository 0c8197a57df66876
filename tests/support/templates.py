"""Compiles each template once for all tests of a process, though each test makes pages of its own."""

from functools import partialmethod

from jinja2 import BytecodeCache, Environment
from jinja2.bccache import Bucket


class Compiled(BytecodeCache):
    def __init__(self) -> None:
        self._kept: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._kept:
            bucket.bytecode_from_string(self._kept[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key] = bucket.bytecode_to_string()


def compile_once() -> None:
    Environment.__init__ = partialmethod(Environment.__init__, bytecode_cache=Compiled())  # type: ignore[assignment,method-assign]
