"""The documents that rules cite, spelled once. What stands here is Cisco's word; the rest is this program's inference."""

from __future__ import annotations

TAC_115801 = "Cisco TAC 115801, IPsec %RECVD_PKT_INV_SPI Errors and Invalid SPI Recovery Feature Information"
TAC_116005 = (
    "Cisco TAC 116005, EEM Scripts used to Troubleshoot Tunnel Flaps Caused by Invalid Security Parameter Indexes"
)
TAC_221607 = "Cisco TAC 221607, invalid SPI errors on SD-WAN and traditional IPsec tunnels"
GUIDE_RECOVERY = "Cisco IOS configuration guide, Invalid Security Parameter Index Recovery"
GUIDE_DPD = "Cisco IOS configuration guide, IPsec Dead Peer Detection Periodic Message Option"
GUIDE_SHARED = "Cisco IOS configuration guide, Sharing IPsec with Tunnel Protection"
GUIDE_GETVPN = "Cisco IOS configuration guide, GET VPN GM Error Detection"
CLEAR_COMMAND = "Cisco IOS Security Command Reference, clear crypto sa"
PRIVILEGE = "Cisco tech note 00800949d5, privilege levels and the running configuration"
CVP16730 = "Cisco bug CSCvp16730, inbound ESP packets whose SPI begins with 0xFF are dropped"
REKEY_BUGS = (
    "Cisco bug CSCsl68327, packet loss during rekey",
    "Cisco bug CSCtr14840, ASR: packet drops during phase 2 rekey",
    "Cisco bug CSCty30063, ASR uses the new SPI before quick mode has finished",
    "Cisco bug CSCvn31824, IOS XE deletes the new SPI when a packet arrives before it is installed",
)
