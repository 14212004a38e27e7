"""Secrets are masked wherever a router may print them; nothing else changes by a letter."""

from __future__ import annotations

import pytest
from cost import cheap
from hypothesis import given
from hypothesis import strategies as st

from collector.parse.redact import MASK, redact, redact_quoted

FORMS = (
    "crypto isakmp key {} address 192.0.2.1",
    " username u pass {}",
    "syscon address 192.0.2.1 {}",
    "snmp-server user bob NETOPS v3 auth sha {} priv {}",
    "snmp-server user bob NETOPS auth md5 {} priv {} something",
    " ipv4 etr map-server 192.0.2.1 key {}",
    "  authentication-key 6 {}",
    "  exec /bin/agent --token {} --verbose",
    "isakmp key {} address 192.0.2.1 netmask 255.255.255.255",
    "crypto isakmp key 6 {} address 192.0.2.1 255.255.255.0 no-xauth",
    "crypto isakmp key 0 {} hostname hub.example.net",
    "crypto isakmp key {} address ipv6 2001:db8::/64",
    "  pre-shared-key address 192.0.2.1 key {}",
    "  pre-shared-key address 192.0.2.1 255.255.255.255 key 6 {}",
    "  pre-shared-key hostname hub.example.net key {}",
    "  pre-shared-key {}",
    "  pre-shared-key local {}",
    "  pre-shared-key remote 6 {}",
    "  pre-shared-key hex {}",
    "  pre-shared-key local hex {}",
    " key-string {}",
    "   key-string 7 {}",
    " group REMOTE key {}",
    " key {}",
    " key 6 {}",
    "username admin privilege 15 secret 5 {}",
    "username admin password 0 {}",
    "username admin secret 9 {}",
    "username admin algorithm-type scrypt secret {}",
    "enable secret 5 {}",
    "enable secret level 7 5 {}",
    "enable password {}",
    " password 7 {}",
    "snmp-server community {} RO 10",
    "snmp-server community {} view ALL RW",
    "snmp-server community {}",
    "snmp-server host 192.0.2.9 version 2c {}",
    "snmp-server host 192.0.2.9 traps {}",
    "snmp-server host 192.0.2.9 vrf MGMT informs version 2c {} udp-port 162",
    "snmp-server user bob NETOPS v3 auth sha {} priv aes 128 {}",
    "snmp-server user bob NETOPS v3 encrypted auth md5 {} priv des56 {} access 10",
    "tacacs-server key {}",
    "tacacs-server host 192.0.2.8 key 7 {}",
    "radius-server host 192.0.2.8 auth-port 1812 acct-port 1813 key {}",
    " server-private 192.0.2.8 auth-port 1812 key 7 {}",
    "  client 192.0.2.8 server-key 7 {}",
    " ppp chap password 0 {}",
    " ppp pap sent-username u password 7 {}",
    " standby 1 authentication {}",
    " standby 1 authentication text {}",
    " standby 1 authentication md5 key-string 7 {} timeout 30",
    " vrrp 1 authentication text {}",
    " vrrp 1 authentication {}",
    " glbp 1 authentication text {}",
    " glbp 1 authentication md5 key-string {}",
    " ip nhrp authentication {}",
    " ipv6 nhrp authentication {}",
    " neighbor 192.0.2.1 password 7 {}",
    " ip ospf authentication-key 7 {}",
    " ip ospf authentication-key {}",
    " ip ospf message-digest-key 1 md5 7 {}",
    " ip ospf message-digest-key 1 md5 {}",
    " area 0 virtual-link 192.0.2.1 message-digest-key 1 md5 {}",
    " authentication mode hmac-sha-256 7 {}",
    " area-password {}",
    " set session-key inbound esp 256 cipher {} authenticator {}",
    " set session-key outbound ah 300 {}",
    " ipv6 ospf authentication ipsec spi 500 md5 0 {}",
    " ospfv3 encryption ipsec spi 1001 esp aes-cbc 128 7 {} sha1 0 {}",
    " area 0 authentication ipsec spi 500 sha1 {}",
    " wpa-psk ascii 0 {}",
    " encryption key 1 size 128bit 7 {} transmit-key",
    "ntp authentication-key 1 md5 {} 7",
    "ip ftp password 7 {}",
    "ip http client password {}",
    " path ftp://bob:{}@192.0.2.1/backup",
    " url ftp://bob:{}@192.0.2.1/backup",
    " set aggressive-mode password {}",
    " authentication remote pre-share key 6 {}",
    " authentication local pre-share key {}",
    " ppk manual id PPK key {}",
    " cts credentials id x password {}",
    "  sap pmk {} mode-list gcm",
    "key config-key password-encrypt {}",
    "mpls ldp neighbor 192.0.2.1 password 7 {}",
    "ip msdp password peer 192.0.2.1 7 {}",
    "crypto pki import TP pkcs12 tftp://192.0.2.1/x.p12 password {}",
    "crypto pki import TP pkcs12 terminal {}",
    "crypto key export rsa K pem terminal 3des {}",
    "event manager environment _db_password {}",
    "*Mar  1 00:00:00.000: %PARSER-5-CFGLOG_LOGGEDCMD: User:bob  logged command:crypto isakmp key {} address 192.0.2.1",
    "*Mar  1 00:00:00.000: %PARSER-5-CFGLOG_LOGGEDCMD: User:bob  logged command:key 7 {}",
    "*Mar  1 00:00:00.000: %PARSER-5-CFGLOG_LOGGEDCMD: User:bob  logged command:key-string {}",
    "R1(config-server-tacacs)#key {}",
    "R1(config)# enable secret {}",
    "R1(config)#crypto isakmp key {} address 192.0.2.1",
    "Community name: {}",
    " mgmtuser username a password 0 {} secret 0 {}",
    " credentials username a password 7 {} realm example",
    "http://x.example/update?user=u&password={}&host=h",
    " ip rsvp authentication key {}",
    " pac key 7 {}",
    "+ enable secret 5 {}",
    " l2tp tunnel password 7 {}",
    "  pre-shared-key ascii-text local {}",
    "  pre-shared-key ascii-text encrypted {}",
    " psk id x key hex 6 {}",
    " wpa psk ascii 7 {}",
    "username bob masked-secret 9 {}",
    "username bob nt-encrypted 0 {}",
    "  user bob nthash 7 {}",
    " nas 192.0.2.1 key {}",
    "tacacs-server host 192.0.2.9 encrypted {}",
    "radius-server key-wrap encryption-key {} message-auth-code-key {}",
    " radius-common-pw {}",
    " ldap-login-password 8 {}",
    "aaa-server TAC (inside) host 192.0.2.9 {} timeout 5",
    "snmp-server user bob GRP v3 auth sha-2 256 {} priv aes 256 {}",
    "snmp-server user bob GRP v3 auth sha-2 {} priv aes 128 {}",
    "snmp-server host 192.0.2.9 informs version 2c 0 {}",
    "snmp-server host 192.0.2.9 version 2c 7 {}",
    "snmp-server host inside 192.0.2.9 community 8 {} version 2c",
    "snmp-server mib community-map {} engineid 8000",
    "  authentication text {}",
    " authentication 7 {}",
    " url authentication http://192.0.2.1/x user {}",
    " encryption vlan 1 key 1 size 128bit 7 {} transmit-key",
    " security static-wep-key encryption 104 ascii 0 {}",
    "   key-octet-string 7 {} cryptographic-algorithm AES_128_CMAC",
    " ip mobile secure host 192.0.2.1 spi 100 key hex {}",
    " failover key {}",
    " cluster key {}",
    "license smart trust idtoken {} all",
    "crypto ca import TP pkcs12 {}",
    "crypto pki import TP pem terminal {}",
    "crypto pki import TP pem url nvram: {}",
    "crypto key import rsa K general-purpose exportable terminal {}",
    " policy-server-secret {}",
    " challenge-password {}",
    "event manager environment _pw {}",
    " action 2.0 set _password {}",
    ' action 1.0 mail server "u:{}@192.0.2.1" to "x" from "y" subject "z"',
    "         cipher key: {}",
    "         auth_key: {}",
    "         auth key: {}",
    "        Outbound ah spi: 300, key: {}",
    "        Outbound esp spi: 256, cipher key: {} auth_key: {}",
    "   13   1   bob@vty0     |  key {}",
    "   14   1   bob@vty0     | !exec: enable secret {}",
    "cmd=crypto cmd-arg=isakmp cmd-arg=key {} cmd-arg=address cmd-arg=192.0.2.1",
)
TO_THE_END = (
    ' action 1.0 cli command "username x password {}"',
    '  Authentication text, string "{}"',
    '    key 1 -- text "{}"',
    " isis password {} level-1",
    "domain-password {} authenticate snp validate",
    " password 7 {} and a second word",
    "Key: {}",
    " psk id x key 0 {} required",
    "cmd=pre-shared-key {} <cr>",
    "service=shell cmd=key 7 {} <cr>",
)
NO_SECRET = (
    " standby 1 authentication md5 key-chain CHAIN",
    " standby 1 authentication md5 key-string",
    "ntp trusted-key 1",
    "ntp server 192.0.2.1 key 1",
    " tunnel key 12345",
    "key chain CHAIN",
    " key 5",
    " enrollment url http://192.0.2.1:80/x@y",
    " authentication remote pre-share",
    "crypto key generate rsa modulus 2048",
    " set community 100:1",
    "service password-encryption",
    "password encryption aes",
    "       psk - Preshared key, rsig - RSA signature",
    "IKEv2 SA, Auth sign: PSK, Auth verify: PSK",
    "Key Exchange: IKEv2",
    "Key Management Path      : ipv4",
    "    PFS (Y/N): Y, DH group: none, PQC Key Exchange: ML-KEM-1024",
    "ISAKMP:(0):found peer pre-shared key matching 192.0.2.1",
    "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for destaddr=192.0.2.1, prot=50, spi=0x1",
    "        spi: 0x22642F0C(576990988)",
    "        conn id: 2001, flow_id: SW:1, sibling_flags 80000046, crypto map: VPN",
    " set session-key inbound esp 256",
    " area 0 authentication message-digest",
    " ip ospf authentication message-digest",
    "aaa authentication login default group tacacs+ local",
    " authentication pre-share",
    "tacacs server T1",
    "snmp-server enable traps snmp authentication linkdown",
    "snmp-server group NETOPS v3 priv",
    " neighbor 192.0.2.1 send-community both",
    "ip community-list 1 permit 100:1",
    "Password:",
    "Auth sign: PSK, Auth verify: PSK",
    "         cipher key: ,",
    "        sa timing: remaining key lifetime (k/sec): (4608000/3000)",
    "crypto pki import TP pem terminal",
    "crypto key import rsa K pem url nvram: password",
    " set security-association lifetime seconds 3600",
    " set transform-set AES",
    "aaa-server TAC (inside) host 192.0.2.9",
    "aaa-server TAC protocol tacacs+",
    " aaa authorization user psk cached",
    " save-password",
    " authentication remote psk",
    "Nov 23 22:00:00: %SEC_LOGIN-4-LOGIN_FAILED: Login failed [user: bob] [Reason: Login Authentication Failed]",
    "terminal width 511",
)
SECRETS = ("S3cr3t", "hunter2#>:", "a'b\"c", "7", "level", "$1$abcd$efgh/ijk.", "0123456789ABCDEF", "address9", "é¡§")


@pytest.mark.parametrize("form", FORMS)
def test_masks_every_form(form):
    assert redact(form.replace("{}", "S3cr3t")) == form.replace("{}", MASK)


@pytest.mark.parametrize("form", TO_THE_END)
def test_masks_to_the_end_where_a_value_may_hold_blanks(form):
    start = form.split("{}")[0].rstrip('"')
    assert redact(form.replace("{}", "S3cr3t")) == start + MASK


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "form", ["crypto isakmp key {} address 192.0.2.1", "enable secret 5 {}", "username x password 0 {}"]
)
def test_whatever_the_secret_looks_like(form, secret):
    assert redact(form.replace("{}", secret)) == form.replace("{}", MASK)


@pytest.mark.parametrize("secret", ["S3cr3t address b", '"S3cr3t hostname"', "S3cr3t x y"])
def test_a_key_may_hold_the_words_behind_it(secret):
    line = f"crypto isakmp key {secret} address 192.0.2.1 255.255.255.0 no-xauth"
    assert redact(line) == f"crypto isakmp key {MASK} address 192.0.2.1 255.255.255.0 no-xauth"


@pytest.mark.parametrize("line", NO_SECRET)
def test_leaves_what_parsers_need(line):
    assert redact(line) == line


def test_sixty_forms_and_more():
    assert len(FORMS) + len(TO_THE_END) >= 60


def test_a_typed_line_in_a_prompt_and_in_a_log():
    for before in (
        "R1(config)#",
        "R1(config)# ",
        "R1(config)#no ",
        "*Mar  1 00:00:00.000: %PARSER-5-CFGLOG_LOGGEDCMD: User:bob  logged command:",
        "<189>91: r1: Mar  1 2024 00:00:00: %PARSER-5-CFGLOG_LOGGEDCMD: User:bob  logged command:!exec: ",
        "+",
        "- ",
    ):
        for form in ("key 7 {}", "key-string {}", "username x secret 9 {}", "crypto isakmp key {} address 192.0.2.1"):
            assert redact(before + form.replace("{}", "S3cr3t")) == before + form.replace("{}", MASK)


def test_a_message_glued_behind_stays():
    event = "%CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd"
    assert redact(f"password S3cr3t {event}") == f"password {MASK} {event}"


def test_key_numbers_and_server_keys():
    text = (
        "key chain A\n key 12345\n  key-string x9\n key 2\ntacacs server T\n key 12345\n!\ntacacs server U\n key 77\n"
    )
    assert redact(text) == text.replace("x9", MASK).replace("T\n key 12345", f"T\n key {MASK}").replace(
        "U\n key 77", f"U\n key {MASK}"
    )


def test_certificates_and_private_keys():
    text = (
        "crypto pki certificate chain TP\n certificate ca 01\n  30820321 30820209 A0030201\n  ABCDEF\n  \tquit\n"
        "crypto map M 10 ipsec-isakmp\n"
        "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\nabc+/==\n-----END RSA PRIVATE KEY-----\n set peer 192.0.2.1\n"
    )
    masked = redact(text)
    assert masked.splitlines()[2:6] == [f"  {MASK}", f"  {MASK}", "  \tquit", "crypto map M 10 ipsec-isakmp"]
    assert masked.splitlines()[7:9] == [MASK, MASK]
    assert masked.endswith(" set peer 192.0.2.1\n")
    assert redact(masked) == masked


def test_a_certificate_cut_short_swallows_no_configuration():
    text = " certificate 02\n  30820321 30820209\ncrypto map M 10 ipsec-isakmp\n set peer 192.0.2.1\n"
    assert redact(text) == text.replace("30820321 30820209", MASK)


def test_a_private_key_under_a_passphrase():
    """What `crypto key export rsa NAME pem terminal 3des` prints: headers stand between BEGIN and the key."""
    text = (
        "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: DES-EDE3-CBC,3F2B1A\n\n"
        "MIIEpAIBAAKCAQEA\nabc+/==\n-----END RSA PRIVATE KEY-----\ncrypto map M 10 ipsec-isakmp\n set peer 192.0.2.1\n"
    )
    masked = redact(text)
    assert masked == text.replace("MIIEpAIBAAKCAQEA", MASK).replace("abc+/==", MASK)
    assert redact(masked) == masked


@pytest.mark.parametrize("mark", ["+", "-", "+ ", "> ", "  - ", "| "])
def test_key_material_in_a_comparison_or_a_quotation(mark):
    for head, lines, foot in (
        ("-----BEGIN PRIVATE KEY-----", ("MIIEpAIBAAKCAQEA", "abc+/=="), "-----END PRIVATE KEY-----"),
        (" certificate 01", ("30820321 30820209 A0030201", "ABCDEF"), "quit"),
    ):
        text = "".join(f"{mark}{line}\n" for line in (head, *lines, foot))
        masked = redact(text)
        assert not any(line in masked for line in lines), masked
        assert redact(masked) == masked


@pytest.mark.parametrize("width", [72, 80, 100, 120, 132])
@pytest.mark.parametrize(
    "form",
    ["crypto isakmp key {} address 192.0.2.1", "username bob secret 9 {}", "key 7 {}", "ip nhrp authentication {}"],
)
def test_a_secret_that_a_narrow_terminal_broke(form, width):
    secret = "Zk9+vQ2$xT7/mB4.pR8w"
    typed = "*Nov 23 22:00:00.000: %PARSER-5-CFGLOG_LOGGEDCMD: User:bob  logged command:"
    place = len(typed) + form.index("{}")
    for within in range(len(secret)):  # from right before it to its last letter
        line = "x" * ((width - place - within) % width) + typed + form.replace("{}", secret)
        text = "".join(line[at : at + width] + "\n" for at in range(0, len(line), width)) + "interface Tunnel0\n"
        masked = redact(text)
        joined = masked.replace("\n", "")
        assert not any(secret[at : at + 4] in joined for at in range(len(secret) - 3)), masked
        assert masked.endswith("\ninterface Tunnel0\n")
        assert len(masked.splitlines()) == len(text.splitlines())
        assert redact(masked) == masked


@pytest.mark.parametrize(
    "after", ["interface Tunnel0", "Nov 23 22:00:00: %SYS-5-CONFIG_I: x", "R1#show clock", "!", " set peer x"]
)
def test_a_whole_line_of_eighty_columns_hides_nothing_of_the_next(after):
    line = "username bob secret 9 ".ljust(80, "x")
    assert redact(f"{line}\n{after}\n") == f"username bob secret 9 {MASK}\n{after}\n"


def test_the_table_of_keys():
    text = (
        "R1#show crypto isakmp key\nKeyring      Hostname/Address                            Preshared Key\n\n"
        "default      192.0.2.1                                   S3cr3t with blank\n"
        "             198.51.100.0  [255.255.255.0]               S3cr3t\nR1#show clock\n"
    )
    assert "S3cr3t" not in redact(text)
    assert redact(text).endswith("\nR1#show clock\n")


@given(st.text(alphabet=st.sampled_from(" \t\n\r\x0b\x0c\x85ab7#>:=\"'<%")) | st.text())
def test_any_text_keeps_its_lines_and_is_redacted_once(text):
    masked = redact(text)
    assert len(masked.splitlines()) == len(text.splitlines())
    assert redact(masked) == masked


@given(st.lists(st.sampled_from([*FORMS, *TO_THE_END, *NO_SECRET, "", "!", " certificate 01", "  30820321 30820209"])))
def test_mixed_forms_leak_nothing(forms):
    text = "\r\n".join(form.replace("{}", "S3cr3t") for form in forms)
    masked = redact(text)
    assert "S3cr3t" not in masked
    assert len(masked.splitlines()) == len(text.splitlines())
    assert redact(masked) == masked


@pytest.mark.parametrize(
    "piece",
    [
        "key ",
        "key" + " " * 50,
        "password ",
        "crypto isakmp key ",
        "snmp-server host ",
        "a://b:c@",
        "password=",
        "#",
        '"',
    ],
)
def test_hostile_lines_cost_their_length(piece):
    text = piece * (200_000 // len(piece)) + "key"
    assert cheap(lambda: redact(text), 5)


def test_a_message_of_ours_keeps_its_words_and_masks_what_it_quotes():
    for message in (
        "the password of netops was refused",
        "password: the file /x can be read by others (mode 0644): chmod 600",
        "192.0.2.1 shows the key ssh-ed25519 SHA256:aa; pinned is ssh-rsa SHA256:bb. Nothing was sent to it",
    ):
        assert redact_quoted(message) == message
    for line in (
        "key S3cr3t",
        "  pre-shared-key S3cr3t",
        "it's a key; key 7 S3cr3t",
        "crypto isakmp key S3cr3t\"' address x",
    ):
        masked = redact_quoted(
            f"the device's time is over; 12 byte(s) came, the last line is {line!r}; not asked: show clock"
        )
        assert "S3cr3t" not in masked, masked
        assert masked.startswith("the device's time is over; 12 byte(s) came, the last line is ")
        assert redact_quoted(masked) == masked
    assert cheap(lambda: redact_quoted("'\\" * 100_000 + '"' * 100_000), 5)
