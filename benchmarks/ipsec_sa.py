"""`show crypto ipsec sa detail`: our reading against ntc-templates' template run by textfsm, on text that it can read.

    python -m benchmarks.ipsec_sa [MEGABYTES]

Paired: A B B A, several times, the median of the ratios counts. Ours does more: typed records, order, checksums and
counts are proven; theirs gives rows of text. The floor beside it is one pass over the same lines that does nothing.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from importlib.metadata import version
from importlib.resources import files

import textfsm

from collector.commands import read_capture
from collector.commands.show_crypto_ipsec_sa import COMMAND
from collector.model import Capture, CaptureStatus

ROUNDS = 3

FLOW = """
   protected vrf: (none)
   local  ident (addr/mask/prot/port): (192.0.2.1/255.255.255.255/47/0)
   remote ident (addr/mask/prot/port): ({peer}/255.255.255.255/47/0)
   current_peer {peer} port 500
     PERMIT, flags={{origin_is_acl,}}
    #pkts encaps: {count}, #pkts encrypt: {count}, #pkts digest: {count}
    #pkts decaps: {count}, #pkts decrypt: {count}, #pkts verify: {count}
    #pkts compressed: 0, #pkts decompressed: 0
    #pkts not compressed: 0, #pkts compr. failed: 0
    #pkts not decompressed: 0, #pkts decompress failed: 0
    #pkts no sa (send) 0, #pkts invalid sa (rcv) 0
    #pkts encaps failed (send) 0, #pkts decaps failed (rcv) 0
    #pkts invalid prot (recv) 0, #pkts verify failed: 0
    #pkts invalid identity (recv) 0, #pkts invalid len (rcv) 0
    #pkts replay rollover (send): 0, #pkts replay rollover (rcv) 0
    ##pkts replay failed (rcv): 0
    #pkts tagged (send): 0, #pkts untagged (rcv): 0
    #pkts not tagged (send): 0, #pkts not untagged (rcv): 0
    #pkts internal err (send): 0, #pkts internal err (recv) 0

     local crypto endpt.: 192.0.2.1, remote crypto endpt.: {peer}
     plaintext mtu 1442, path mtu 1500, ip mtu 1500, ip mtu idb GigabitEthernet8
     current outbound spi: 0x{out:X}({out})
     PFS (Y/N): N, DH group: none

     inbound esp sas:
{sa_in}
     inbound ah sas:

     inbound pcp sas:

     outbound esp sas:
{sa_out}
     outbound ah sas:

     outbound pcp sas:
"""
SA = """      spi: 0x{spi:X}({spi})
        transform: esp-256-aes esp-sha-hmac ,
        in use settings ={{Transport UDP-Encaps, }}
        conn id: {conn}, flow_id: Onboard VPN:{conn}, sibling_flags 80000000, crypto map: Tunnel{tunnel}-head-0
        sa timing: remaining key lifetime (k/sec): (4332650/3205)
        IV size: 16 bytes
        replay detection support: Y  replay window size: 1024
        Status: ACTIVE(ACTIVE)
"""


def text(bytes_wanted: int) -> str:
    """An answer of about that size: one tunnel interface a peer, as at a hub of point-to-point tunnels."""
    parts: list[str] = []
    size = number = 0
    while size < bytes_wanted:
        number += 1
        sa_in = SA.format(spi=0x10000000 + number, conn=2 * number, tunnel=number)
        sa_out = SA.format(spi=0x90000000 + number, conn=2 * number + 1, tunnel=number)
        peer = f"198.{51 + number // 62500}.{number // 250 % 250}.{number % 250 + 1}"
        part = (
            f"interface: Tunnel{number}\n    Crypto map tag: Tunnel{number}-head-0, local addr 192.0.2.1\n"
            + FLOW.format(peer=peer, count=number * 7, out=0x90000000 + number, sa_in=sa_in, sa_out=sa_out)
        )
        parts.append(part + "\n")
        size += len(part)
    return "".join(parts)


def ours(answer: str) -> int:
    """SAs read by us."""
    reading = read_capture(Capture(command="show crypto ipsec sa detail", text=answer))
    assert reading is not None
    assert reading.status is CaptureStatus.PARSED, reading.reason
    return sum(len(flow.inbound) + len(flow.outbound) for flow in reading.records)


def theirs(answer: str) -> int:
    """Rows (one an SA) read by ntc-templates' template, loaded once."""
    THEIR_TEMPLATE.Reset()
    return len(THEIR_TEMPLATE.ParseText(answer))


def nothing(answer: str) -> int:
    """The floor: each line looked at once."""
    return sum(1 for line in answer.splitlines() if line.lstrip()[:8] == "spi: 0x1")


def _their_template() -> textfsm.TextFSM:
    path = files("ntc_templates") / "templates" / "cisco_ios_show_crypto_ipsec_sa_detail.textfsm"
    with path.open(encoding="utf-8") as file:
        return textfsm.TextFSM(file)


THEIR_TEMPLATE = _their_template()


def seconds(work: Callable[[str], int], answer: str) -> float:
    begin = time.perf_counter()
    work(answer)
    return time.perf_counter() - begin


def memory(answer: str) -> tuple[float, int]:
    """Peak MB while streaming, with the records drained, and the number of flows."""

    def lines() -> Iterator[str]:
        begin = 0
        while begin < len(answer):
            end = answer.find("\n", begin)
            yield answer[begin:end]
            begin = end + 1

    tracemalloc.start()
    reading = COMMAND.read(lines(), None)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak / 1e6, len(reading.records)


def main() -> None:
    megabytes = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0
    answer = text(int(megabytes * 1e6))
    print(f"python {platform.python_version()}, textfsm {version('textfsm')}, ntc-templates {version('ntc-templates')}")
    print(
        f"{len(answer) / 1e6:.1f} MB, {answer.count(chr(10))} lines, {theirs(answer)} SAs theirs, {ours(answer)} ours"
    )
    ratios, own, other = [], [], []
    for _ in range(ROUNDS):
        a, b = seconds(ours, answer), seconds(theirs, answer)
        b2, a2 = seconds(theirs, answer), seconds(ours, answer)
        ratios += [b / a, b2 / a2]
        own += [a, a2]
        other += [b, b2]
    size = len(answer) / 1e6
    print(f"ours    {size / statistics.median(own):8.1f} MB/s")
    print(f"theirs  {size / statistics.median(other):8.1f} MB/s")
    print(f"floor   {size / statistics.median([seconds(nothing, answer) for _ in range(5)]):8.1f} MB/s")
    print(f"ours / theirs: {statistics.median(ratios):.2f}  (goal 1.5; {min(ratios):.2f} to {max(ratios):.2f})")
    peak, flows = memory(answer)
    print(f"streamed: {peak:.1f} MB at the peak for {flows} flows, results included")


if __name__ == "__main__":
    main()
