"""Frozen records <-> octets, for files that only one run writes and reads.

pickle as it is spends a quarter of a sweep's judging on asking each record for its fields, again and again.
"""

from __future__ import annotations

import pickle
from dataclasses import fields, is_dataclass
from functools import cache
from io import BytesIO
from typing import Any


def pack(record: object) -> bytes:
    """`record`, a frozen dataclass of such, as octets."""
    out = BytesIO()
    _Pickler(out, protocol=5).dump(record)
    return out.getvalue()


def unpack(data: bytes) -> object:
    """What `pack` was given. Only for octets of this run."""
    return pickle.loads(data)  # noqa: S301 - see above


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        """A record as its class and its values; anything else as pickle has it."""
        kind = type(obj)
        if not is_dataclass(kind):
            return NotImplemented
        return _rebuilt, (kind, *[getattr(obj, name) for name in _names(kind)])


@cache
def _names(kind: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


def _rebuilt(kind: type, *values: object) -> object:
    """A record without its checks: it passed them when it was made."""
    record: object = object.__new__(kind)
    put = object.__setattr__
    for name, value in zip(_names(kind), values, strict=True):
        put(record, name, value)
    return record
