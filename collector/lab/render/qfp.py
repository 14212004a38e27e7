"""The QFP drop tables of IOS XE. Numbers differ by platform, names do not."""

from __future__ import annotations

from datetime import datetime

from collector.lab import events, state
from collector.lab.model import Network, Trouble
from collector.lab.render.look import Lines, Look

_RULE = "-" * 72
_ROWS = """
IN_V4_PKT_HIT_INVALID_SA IN_CLEAR_US_V4_PSTATE_SB_FAILED IN_US_V4_PKT_FOUND_IPSEC_NOT_ENABLED
IN_US_V4_PKT_SA_NOT_FOUND_SPI IN_TUNNEL_US_V4_PKT_IPSEC_NO_KEEP IN_TRANS_CL_V4_PKT_FAILED_POLICY
IN_TRANS_V4_IPSEC_PKT_NOT_FOUND_SPI IN_US_CL_V4_PKT_FAILED_POLICY IN_V6_PKT_HIT_INVALID_SA
IN_CLEAR_US_V6_PSTATE_SB_FAILED IN_US_V6_PKT_FOUND_IPSEC_NOT_ENABLED IN_US_V6_PKT_SA_NOT_FOUND_SPI
IN_TUNNEL_US_V6_PKT_IPSEC_NOT_KEEP IN_TRANS_V6_PKT_FAILED_POLICY IN_US_CL_V6_PKT_FAILED_POLICY
IN_CPP_FAIL_NOTIF_SA_SOFT_EXPIRY IN_CD_SW_IPSEC_HARD_EXPIRY IN_CD_SW_IPSEC_ANTI_REPLAY_FAIL
IN_UNEXP_CD_SW_IPSEC_EXCEPTION IN_TBASED_ANTI_REPLAY_FAIL IN_PKT_HEADPAD_LEN_ERR IN_PKT_PSTATE_TOO_BIG
IN_INFRA_V4_PKT_LEN_TOO_BIG IN_INFRA_V6_PKT_LEN_TOO_BIG IN_PSTATE_CHUNK_MEM_NOT_INIT IN_PSTATE_CHUNK_ALLOC_FAIL
IN_SETTING_WRONG_L2_HDR IN_V4_POST_INPUT_POLICY_FAIL IN_V6_POST_INPUT_POLICY_FAIL OUT_V4_PKT_HIT_INVALID_SA
OUT_V4_PKT_HIT_IKE_START_SP OUT_V4_PKT_HIT_TED_START_SP OUT_V4_PKT_HIT_DENY_DROP_SP OUT_V4_PKT_HIT_UNKNOWN_TCAM
OUT_V6_PKT_HIT_INVALID_SA OUT_V6_PKT_HIT_IKE_START_SP OUT_V6_PKT_HIT_TED_START_SP OUT_V6_PKT_HIT_DENY_DROP_SP
OUT_V6_PKT_HIT_UNKNOWN_TCAM OUT_CPP_FAIL_NOTIF_SA_SOFT_EXPIRY OUT_CD_SW_IPSEC_HARD_EXPIRY
OUT_UNEXP_CD_SW_IPSEC_EXCEPTION OUT_CD_SW_IPSEC_DETECT_SEQ_OVEFLOW OUT_CANNOT_FRAG_DF_SET_PKT
OUT_PKT_HEADPAD_LEN_ERR OUT_PKT_PSTATE_TOO_BIG OUT_INFRA_V4_PKT_LEN_TOO_BIG OUT_INFRA_V6_PKT_LEN_TOO_BIG
OUT_PSTATE_CHUNK_MEM_NOT_INIT OUT_PSTATE_CHUNK_ALLOC_FAIL OUT_SETTING_WRONG_L2_HDR OUT_V4_POST_OUTPUT_POLICY_FAIL
OUT_V6_POST_OUTPUT_POLICY_FAIL MPASS_RESTORE_FAIL CRYPTO_DEVICE_IPSEC_STOP OUT_V4_TX_PKT_ADJ_FAIL
IN_CD_SW_IPSEC_MAC_EXCEPTION IN_NAT_DEMUX_FAIL OUT_NAT_DEMUX_FAIL IN_CD_SW_IPSEC_NH_MISMATCH
"""
_NAMES = _ROWS.split()
NOT_FOUND = "IN_US_V4_PKT_SA_NOT_FOUND_SPI"


def not_found(network: Network, name: str, now: datetime) -> int:
    """Packets that met no SA on a router since its boot, or since the table was cleared: what the troubles add up to."""
    device = network.device(name, now)
    start = max(device.booted, device.counters_cleared or device.booted)
    total = sum(
        _dropped(network, trouble, now) - _dropped(network, trouble, start) for trouble in network.troubles_at(name)
    )
    return total + (device.stray if device.counters_cleared is None else 0)


def _dropped(network: Network, trouble: Trouble, now: datetime) -> int:
    """What one trouble dropped by a moment."""
    end = now if trouble.until is None else min(now, trouble.until)
    seconds = int((end - trouble.since).total_seconds())
    if seconds < 0 or trouble.kind == "busy-log":
        return 0
    if trouble.kind in {"scan", "unknown-source"}:
        return len(trouble.sources) * (1 if trouble.kind == "scan" else seconds)
    if trouble.kind in {"rekey-transient", "recurring-rekey"}:
        return 3
    link = network.link(trouble.link)
    assert link is not None
    if trouble.kind != "forwarding-plane":
        end = min(now, state.heals_at(network, link, trouble))
    return max(0, int((end - trouble.since).total_seconds())) * link.rate


def datapath_drops(look: Look) -> Lines:
    """`... feature ipsec datapath drops [all]`: with `all` every row, else the non-zero ones."""
    counts = {NOT_FOUND: not_found(look.network, look.device.name, look.now)}
    lines = [_RULE, f"{'Drop Type  Name':<52}Packets", _RULE]
    for number, name in enumerate(_NAMES, start=1):
        packets = counts.get(name, 0)
        if packets or look.has("all"):
            shown = number if look.era < 2023 else number + number // 16 + number // 42
            lines.append(f"{shown:9}  {name:<50}  {packets:>8}")
    return [*lines, ""]


def statistics_drop(look: Look) -> Lines:
    """`... statistics drop`: non-zero reasons with packets and octets."""
    up = int((look.now - look.device.booted).total_seconds())
    dropped = not_found(look.network, look.device.name, look.now)
    rows = [
        ("Disabled", 14, 1260),
        ("Ipv4NoAdj", 7 + up // 90000, 296 + 60 * (up // 90000)),
        ("Ipv4NoRoute", 181 + up // 7200, 7964 + 44 * (up // 7200)),
        ("IpsecInput", dropped, dropped * 152),
        ("UnconfiguredIpv6Fia", up // 30, up // 30 * 86),
    ]
    lines = []
    if look.era >= 2020:
        lines += [_clearing(look), ""]
    lines += [_RULE + "-", f"{'Global Drop Stats':<42}{'Packets':<24}Octets  ", _RULE + "-"]
    lines += [f"{name:<30}{packets:>19}{octets:>24}  " for name, packets, octets in sorted(rows) if packets]
    return [*lines, ""]


def statistics_drop_history(look: Look) -> Lines:
    """`... statistics drop history`, also as `show drops history qfp`: four columns."""
    rule = "-" * 121
    dropped = not_found(look.network, look.device.name, look.now)
    spans = [max(0, dropped - not_found(look.network, look.device.name, look.now - s)) for s in _SPANS]
    lines = [_clearing(look), "", rule]
    lines += [f"{'Global Drop Stats':<30}{'1-Min':>19}{'5-Min':>24}{'30-Min':>24}{'All':>24}", rule]
    for name, values in (("Ipv4NoRoute", (0, 0, 0, 181)), ("IpsecInput", (*spans, dropped))):
        if values[3]:
            lines.append(f"{name:<30}{values[0]:>19}{values[1]:>24}{values[2]:>24}{values[3]:>24}")
    return [*lines, ""]


def _clearing(look: Look) -> str:
    cleared = look.device.counters_cleared
    if cleared is None or cleared < look.device.booted:
        return "Last clearing of QFP drops statistics : never"
    return f"Last clearing of QFP drops statistics : {look.device.clock.local(cleared):%a %b %e %H:%M:%S %Y}"


def show_drops(look: Look) -> Lines:
    """`show drops history qfp`."""
    head = "------------------ show platform hardware qfp active statistics drop history ------------------"
    return [head, "", *statistics_drop_history(look)]


_SPANS = tuple(events.MINUTE * n for n in (1, 5, 30))
