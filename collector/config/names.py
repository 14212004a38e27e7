"""Names of interfaces: whole (`GigabitEthernet0/0`), short (`Gi0/0`), with a blank (`Tunnel 1`), in any case."""

from __future__ import annotations

import re

_NAME = re.compile(r"([A-Za-z][A-Za-z-]*)\s*([0-9][0-9/.:]*)?$")
_TYPES = (
    "Async", "ATM", "AppGigabitEthernet", "BDI", "Bluetooth", "BVI", "Cellular", "Dialer", "Ethernet", "FastEthernet",
    "FiveGigabitEthernet", "FortyGigabitEthernet", "GigabitEthernet", "Group-Async", "HundredGigE", "Loopback",
    "Multilink", "Null", "nve", "Port-channel", "POS", "pseudowire", "Serial", "TenGigabitEthernet", "Tunnel",
    "TwentyFiveGigE", "TwoGigabitEthernet", "Virtual-Access", "Virtual-PPP", "Virtual-Template", "VirtualPortGroup",
    "Vlan", "Wlan-GigabitEthernet",
)  # fmt: skip
_WHOLE = {name.lower(): name for name in _TYPES}
_SHORT = {
    "e": "Ethernet", "eth": "Ethernet", "f": "FastEthernet", "fa": "FastEthernet", "g": "GigabitEthernet",
    "gi": "GigabitEthernet", "gig": "GigabitEthernet", "gige": "GigabitEthernet", "te": "TenGigabitEthernet",
    "ten": "TenGigabitEthernet", "t": "Tunnel", "tu": "Tunnel", "l": "Loopback", "lo": "Loopback", "vl": "Vlan",
    "po": "Port-channel", "se": "Serial", "s": "Serial", "di": "Dialer", "vi": "Virtual-Access",
    "vt": "Virtual-Template", "hu": "HundredGigE", "fo": "FortyGigabitEthernet", "twe": "TwentyFiveGigE",
    "tw": "TwoGigabitEthernet", "ce": "Cellular", "mu": "Multilink", "bd": "BDI", "bv": "BVI",
}  # fmt: skip


def interface_name(text: str) -> str:
    """The name as the router prints it in full; unknown types stay as they are, without blanks."""
    match = _NAME.match(text[:200].strip())
    if match is None:
        return "".join(text.split())
    kind, number = match.group(1), match.group(2) or ""
    low = kind.lower()
    whole = _WHOLE.get(low) or _SHORT.get(low)
    if whole is None:
        fits = [name for lower, name in _WHOLE.items() if lower.startswith(low)]
        whole = fits[0] if len(fits) == 1 else kind
    return whole + number
