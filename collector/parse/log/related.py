"""Messages that explain or contradict an invalid SPI, with the addresses and the SPI in them."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import lru_cache

from collector.model import Address, RelatedEvent, to_address, to_spi
from collector.parse.log.body import squeeze

# Facilities worth a look, as a prefilter of whole files sees them too. `%IPSEC-` also stands inside
# `%IOSXE-3-PLATFORM: ... %IPSEC-3-REPLAY_ERROR: ...`.
INTERESTING = (
    r"CRYPTO|IPSEC-|GDOI-|HSRP-|STANDBY-|REDUNDANCY-|IOSXE_REDUNDANCY-"
    r"|SYS-5-RE(?:START|LOAD)|SYS-5-CONFIG_I|SYS-6-BOOTTIME"
)
_INTERESTING = re.compile(INTERESTING)
_INNER = re.compile(r"%(?:IPSEC|CRYPTO)(?:-[A-Z0-9_]{1,30})?-[0-7]-([A-Z][A-Z0-9_]{2,60})")

_FAILURES = frozenset(
    {
        "IKMP_MODE_FAILURE",
        "IKMP_BAD_MESSAGE",
        "IKMP_NOT_ENCRYPTED",
        "IKMP_SA_NOT_AUTH",
        "IKMP_AG_MODE_DISABLED",
        "IKMP_AG_MODE_FAILURE",
        "IKMP_SA_NOT_OFFERED",
        "IKMP_UNK_EXCHANGE",
        "IKMP_HASH_SIZE_EXCEEDED",
        "IKMP_NO_PRESHARED_KEY",
        "IKMP_NO_ID_CERT_FQDN_MATCH",
    }
)
_IP = r"[0-9A-Fa-f]{0,4}[0-9A-Fa-f:.]{2,44}"
_SAYS_FROM = re.compile(rf"(?:from|[Pp]eer(?: at| is)?) ({_IP})(?=[\s,]|$)")
# blanks are taken out before these are applied: a wrap may stand anywhere
_FROM = re.compile(rf"(?:from|peer(?:at|is|=)?|Peer)({_IP})")
_SOURCE = re.compile(
    rf"(?:src_?addr(?:ess)?|remote)=?/?({_IP}?)(?=,|;|dest|spi|seq|prot|input|\)|$|[g-zG-Z=])", re.IGNORECASE
)
_TARGET = re.compile(
    rf"(?:dest_?addr(?:ess)?|local)=?(?:[\w.\-]{{0,32}}/)?({_IP}?)(?=,|;|src|remote|spi|SPI|prot|\)|$|[g-zG-Z=])",
    re.IGNORECASE,
)
_VRF = re.compile(r"dest_addr=([\w.\-]{1,32})/")
_PROTOCOL = re.compile(r"prot=(\d{1,3})")
_SPI = re.compile(r"(?<![A-Za-z])SPI[=:]?(0x[0-9A-Fa-f]{1,8}|[0-9A-Fa-f]{1,8})", re.IGNORECASE)
_CONNECTION = re.compile(r"connectionid=(\d{1,10})", re.IGNORECASE)


@lru_cache(maxsize=2048)
def interesting(mnemonic: str) -> bool:
    """Whether a message of this mnemonic may hold an event."""
    return _INTERESTING.match(mnemonic) is not None or mnemonic.endswith("-PLATFORM")


def read_related(mnemonic: str, parts: list[str]) -> RelatedEvent | None:
    """The event of one message; `parts` are its lines, the first from its `%` on."""
    body = " ".join(parts)[:4000]
    if mnemonic.endswith("-PLATFORM"):
        inner = _INNER.search(body) or _INNER.search(squeeze(body))
        return _protected(inner[1], body) if inner else None
    facility, name = mnemonic.split("-", 1)[0], mnemonic.rsplit("-", 1)[-1]
    reader = _READERS.get(facility)
    return reader(name, body) if reader is not None and interesting(mnemonic) else None


def _crypto(name: str, body: str) -> RelatedEvent:
    text = squeeze(body.split(":", 1)[-1])
    if name == "IKMP_NO_SA":
        return RelatedEvent(kind="ikmp-no-sa", source=_sender(body))
    if name == "RECVD_PKT_NOT_IPSEC":
        vrf, protocol = _VRF.search(text), _PROTOCOL.search(text)
        words = [f"vrf={vrf[1]}" if vrf else "", f"prot={protocol[1]}" if protocol else ""]
        return RelatedEvent(
            kind="not-ipsec",
            source=_first(_SOURCE, text),
            destination=_first(_TARGET, text),
            detail=" ".join(filter(None, words)),
        )
    if name in _FAILURES:
        return RelatedEvent(kind="ike-failure", source=_sender(body), detail=name)
    if name.startswith("SELF_TEST"):
        return RelatedEvent(kind="self-test", detail=name)
    return _protected(name, body)


def _protected(name: str, body: str) -> RelatedEvent:
    """Errors of an SA that exists: integrity, replay."""
    text = squeeze(body.split(":", 1)[-1])
    kind = "mac-error" if "MAC" in name else "replay-error" if "REPLAY" in name else "crypto-other"
    spi, connection = _SPI.search(text), _CONNECTION.search(text)
    source = _first(_SOURCE, text)
    return RelatedEvent(
        kind=kind,
        source=source if source is not None or kind != "crypto-other" else _sender(body),
        destination=_first(_TARGET, text),
        spi=to_spi(spi[1]) if spi and kind != "crypto-other" else None,
        detail=f"connection id={connection[1]}" if connection else name,
    )


def _hsrp(name: str, body: str) -> RelatedEvent | None:
    return RelatedEvent(kind="hsrp", detail=_said(body)) if name == "STATECHANGE" else None


def _redundancy(name: str, body: str) -> RelatedEvent | None:
    switched = "SWITCHOVER" in name or "FAILOVER" in name or "PEER_LOST" in body
    return RelatedEvent(kind="switchover", detail=_said(body)) if switched else None


def _system(name: str, body: str) -> RelatedEvent:
    return RelatedEvent(kind="config" if name == "CONFIG_I" else "restart", detail=_said(body))


def _said(body: str) -> str:
    return body.split(":", 1)[-1].strip()[:200]


def _sender(body: str) -> Address | None:
    return _first(_SAYS_FROM, " ".join(body.split())) or _first(_FROM, squeeze(body))


def _first(pattern: re.Pattern[str], text: str) -> Address | None:
    for match in pattern.finditer(text):
        word = match[1].rstrip(".:")
        for candidate in (word, word.rsplit(":", 1)[0]):  # `192.0.2.7:500`
            if (address := to_address(candidate)) is not None:
                return address
    return None


_READERS: dict[str, Callable[[str, str], RelatedEvent | None]] = {
    "CRYPTO": _crypto,
    "IPSEC": _protected,
    "GDOI": _protected,
    "HSRP": _hsrp,
    "STANDBY": _hsrp,
    "REDUNDANCY": _redundancy,
    "IOSXE_REDUNDANCY": _redundancy,
    "SYS": _system,
}
