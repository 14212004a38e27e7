"""Whatever is cut, doubled or mixed: no crash, no proof out of nothing, no explicit yes out of a loss."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from collector.config import classify, recovery_of
from collector.model import Capture, ConfigText, Recovery

CONFIG = """\
version 15.4
hostname R1
banner motd ^C
crypto isakmp invalid-spi-recovery
^C
crypto keyring K
  pre-shared-key address 198.51.100.0 255.255.255.0 key <masked>
crypto isakmp policy 10
 authentication pre-share
crypto isakmp keepalive 10 3
crypto isakmp profile I
   keyring K
   match identity address 198.51.100.1 255.255.255.255
   keepalive 20 retry 3
crypto ikev2 profile F
 match identity remote any
 dpd 10 2 periodic
crypto ipsec profile P
 set isakmp-profile I
crypto ipsec profile P2
 set ikev2-profile F
 responder-only
crypto ipsec client ezvpn E
 connect auto
 peer 198.51.100.7
crypto dynamic-map D 10
 set transform-set T
crypto map VPN local-address Loopback0
crypto map VPN 10 ipsec-isakmp
 set peer 198.51.100.1 default
 set peer hub.example.net dynamic
 set isakmp-profile I
crypto map VPN 20 gdoi
 set group G
crypto map VPN 65535 ipsec-isakmp dynamic D
interface Loopback0
 ip address 192.0.2.9 255.255.255.255
interface Tunnel0
 vrf forwarding RED
 tunnel source Loopback0
 tunnel mode gre multipoint
 tunnel protection ipsec profile P shared
 ip nhrp map 10.0.0.1 198.51.100.2
 ip nhrp nhs 10.0.0.2 nbma 198.51.100.3 multicast
interface Tunnel1
 tunnel source 192.0.2.9
 tunnel destination 198.51.100.4
 tunnel protection ipsec profile P2
interface Virtual-Template1 type tunnel
 tunnel mode ipsec ipv4
 tunnel protection ipsec profile P
interface GigabitEthernet0/0
 ip address 192.0.2.1 255.255.255.0
 standby 1 ip 192.0.2.254
 ipv6 ospf authentication ipsec spi 500 md5 <masked>
 crypto map VPN
 crypto ipsec client ezvpn E
end
""".splitlines()
PIPES = (
    "",
    " | include hostname|crypto",
    " | section ^crypto|^interface",
    " | section ^interface",
    " | begin crypto",
)


def read(lines, pipe="", privilege=None, *, complete=True):
    capture = Capture(command="show running-config" + pipe, text="\n".join(lines), complete=complete)
    text = ConfigText(line=1, lines=tuple(enumerate(lines, 1)), whole=not pipe, filtered=pipe[3:] or None)
    return classify([(capture, text)], privilege=privilege)


def verdicts(config):
    return {
        (binding.name, binding.interface, peer.text): recovery_of(binding, peer, ike_version=binding.ike_version)[0]
        for binding in config.bindings
        for peer in binding.peers
    }


@given(
    st.lists(st.integers(0, len(CONFIG) - 1), unique=True, max_size=30),
    st.sampled_from(PIPES),
    st.sampled_from([None, 1, 15]),
    st.booleans(),
)
@settings(max_examples=150, deadline=None)
def test_cutting_lines_proves_nothing_new(cut, pipe, privilege, complete):
    kept = [line for at, line in enumerate(CONFIG) if at not in set(cut)]
    before = read(CONFIG, pipe, privilege, complete=complete)
    after = read(kept, pipe, privilege, complete=complete)
    if before.recovery is None:
        assert after.recovery is not False
    if before.dpd.mode == "unknown":
        assert after.dpd.mode == "unknown"
    if before.readable != "full":
        assert after.readable != "full"


@given(st.integers(0, len(CONFIG)))
@settings(deadline=None)
def test_a_text_cut_at_its_end_is_no_proof(at):
    config = read(CONFIG[:at])
    if at < len(CONFIG):
        assert config.recovery is None
        assert config.readable != "full"


@given(st.integers(0, len(CONFIG) - 1))
@settings(max_examples=80, deadline=None)
def test_one_lost_line_gives_a_yes_only_to_whom_the_table_gave_none(at):
    """A lost `set ikev2-profile` or `responder-only` cannot be noticed; every other loss never makes a yes."""
    told = (
        "responder-only",
        "ikev2-profile",
        "crypto ipsec profile",
        "tunnel mode",
        "exit",
        "interface",
        "crypto map",
        "^C",
    )
    before = verdicts(read(CONFIG))
    after = verdicts(read(CONFIG[:at] + CONFIG[at + 1 :]))
    gained = {key for key, value in after.items() if value is Recovery.YES and before.get(key) is not Recovery.YES}
    assert not gained or any(word in CONFIG[at] for word in told)


@given(st.permutations(CONFIG[:30]) | st.lists(st.sampled_from(CONFIG), max_size=60), st.sampled_from(PIPES))
@settings(max_examples=100, deadline=None)
def test_shuffled_lines_never_crash(lines, pipe):
    config = read(lines, pipe, 15)
    for binding in config.bindings:
        for peer in (*binding.peers, None):
            assert recovery_of(binding, peer, ike_version=binding.ike_version)[1]


WORDS = st.sampled_from(
    [
        "crypto",
        "map",
        "interface",
        "isakmp",
        "ipsec",
        "profile",
        "ikev2",
        "set",
        "peer",
        "no",
        "tunnel",
        "mode",
        "source",
        "ip",
        "nhrp",
        "nhs",
        "map",
        "²",
        "٣",
        "-1",
        "99999999999",
        "192.0.2.1",
        "::1",
        "dynamic",
        "default",
        "gdoi",
        "ipv6",
        "virtual-template",
        "client",
        "ezvpn",
        "exit",
        "end",
        "!",
        "^C",
        "banner",
        "motd",
        "standby",
        "vrrp",
        "address",
        "keepalive",
        "dpd",
        "match",
        "identity",
        "keyring",
        "pre-shared-key",
        "local-address",
        "redundancy",
        "hostname",
        "10",
        "<masked>",
    ]
)


@given(st.lists(st.tuples(st.sampled_from(["", " ", "  ", "\t"]), st.lists(WORDS, max_size=7)), max_size=40))
@settings(max_examples=200, deadline=None)
def test_any_words_never_crash(rows):
    read([blank + " ".join(words) for blank, words in rows], privilege=15)


@given(st.lists(st.text(max_size=60), max_size=20))
@settings(deadline=None)
def test_any_text_never_crashes(lines):
    config = read([part for line in lines for part in line.splitlines()])
    assert config.recovery is None


def test_the_order_of_sections_does_not_matter():
    heads = [
        at for at, line in enumerate(CONFIG) if line[:1] != " " and not line.startswith(("^C", "crypto isakmp inv"))
    ]
    blocks = [CONFIG[start:stop] for start, stop in zip(heads, [*heads[1:], len(CONFIG)], strict=True)]
    turned = [line for block in reversed(blocks[:-1]) for line in block] + blocks[-1]
    assert verdicts(read(turned)) == verdicts(read(CONFIG))
