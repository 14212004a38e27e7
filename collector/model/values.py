"""The small values all nouns are made of."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address
NO_YEAR = 1904  # `year` of a log's time that was printed without one; a leap year, so that 29 Feb stands


class Spi(int):
    """A security parameter index (RFC 4301): an int inside, `0x` and eight upper-case digits as text.

    A class of its own so that one renderer knows it among other numbers.
    """

    __slots__ = ()

    def __str__(self) -> str:
        return f"0x{int(self):08X}"

    __repr__ = __str__


def to_address(text: str | None) -> Address | None:
    """The address in `text`, or `None` where it is masked, a name, or empty. A scope (`%Gi0`) is dropped."""
    if not text:
        return None
    try:
        return ip_address(text.strip().split("%")[0])
    except ValueError:
        return None


def to_spi(text: str | None) -> Spi | None:
    """An SPI from `0x1DB73BBB`, `1DB73BBB` or `22642f0c` (hexadecimal in any case, up to 8 digits), else `None`."""
    if not text:
        return None
    try:
        value = int(text.strip(), 16)
    except ValueError:
        return None
    return Spi(value) if 0 <= value <= 0xFFFFFFFF else None
