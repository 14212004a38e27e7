"""The makes of router that the lab can play, and what tells them apart in what they print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Platform:
    """One model with one image.

    netmiko: the device_type for an inventory. release: IOS XE's own number, "" on classic IOS. wan, lan: its first
    routed ports. era: the year of the image, which decides the shape of several outputs. engine: what stands in
    `flow_id`. logs_inv_spi: False for an ASR before IOS XE 2.3.2 (it counts, it does not log).
    """

    key: str
    family: Literal["ios", "ios-xe"]
    netmiko: Literal["cisco_ios", "cisco_xe"]
    model: str
    version: str
    release: str = ""
    wan: str
    lan: str
    era: int
    engine: str
    logs_inv_spi: bool = True

    @property
    def has_ikev2(self) -> bool:
        """Images before 15.1T know no IKEv2, and `show crypto ikev2` is an unknown keyword there."""
        return self.era >= 2011

    @property
    def is_xe(self) -> bool:
        """True where packets pass a QFP and its drop tables exist."""
        return self.family == "ios-xe"


PLATFORMS: dict[str, Platform] = {
    platform.key: platform
    for platform in (
        Platform(
            key="c1841",
            family="ios",
            netmiko="cisco_ios",
            model="1841",
            version="12.4(15)T17",
            wan="FastEthernet0/0",
            lan="FastEthernet0/1",
            era=2008,
            engine="AIM-VPN/SSL-1",
        ),
        Platform(
            key="c2911",
            family="ios",
            netmiko="cisco_ios",
            model="CISCO2911/K9",
            version="15.7(3)M8",
            wan="GigabitEthernet0/0",
            lan="GigabitEthernet0/1",
            era=2016,
            engine="Onboard VPN",
        ),
        Platform(
            key="c891",
            family="ios",
            netmiko="cisco_ios",
            model="C891F-K9",
            version="15.4(3)M9",
            wan="GigabitEthernet8",
            lan="GigabitEthernet0",
            era=2014,
            engine="Onboard VPN",
        ),
        Platform(
            key="asr1002-old",
            family="ios-xe",
            netmiko="cisco_xe",
            model="ASR1002",
            version="12.2(33)XNB3",
            release="2.2.3",
            wan="GigabitEthernet0/0/0",
            lan="GigabitEthernet0/0/1",
            era=2009,
            engine="HW",
            logs_inv_spi=False,
        ),
        Platform(
            key="asr1001x",
            family="ios-xe",
            netmiko="cisco_xe",
            model="ASR1001-X",
            version="16.12.5",
            release="16.12.05",
            wan="GigabitEthernet0/0/0",
            lan="GigabitEthernet0/0/1",
            era=2020,
            engine="HW",
        ),
        Platform(
            key="isr4331",
            family="ios-xe",
            netmiko="cisco_xe",
            model="ISR4331/K9",
            version="16.9.6",
            release="16.09.06",
            wan="GigabitEthernet0/0/0",
            lan="GigabitEthernet0/0/1",
            era=2020,
            engine="ESG",
        ),
        Platform(
            key="c8300",
            family="ios-xe",
            netmiko="cisco_xe",
            model="C8300-1N1S-4T2X",
            version="17.9.4a",
            release="17.09.04a",
            wan="GigabitEthernet0/0/0",
            lan="GigabitEthernet0/0/1",
            era=2023,
            engine="ESG",
        ),
        Platform(
            key="c8000v",
            family="ios-xe",
            netmiko="cisco_xe",
            model="C8000V",
            version="17.12.3",
            release="17.12.03",
            wan="GigabitEthernet1",
            lan="GigabitEthernet2",
            era=2024,
            engine="CSR",
        ),
    )
}
