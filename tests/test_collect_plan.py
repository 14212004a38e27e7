"""What is asked of whom: a cheap probe everywhere, deep commands for suspects, at most twelve."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from collector.collect.lines import DATAPATH
from collector.collect.plan import MOST, plan_for, relook_for
from collector.collect.view import Knowledge
from collector.errors import ErrorCode
from collector.model import Capture, Device, Failure, Thresholds
from collector.session import allow

IOS = Device(name="r1", host="192.0.2.1")
XE = Device(name="r2", host="192.0.2.2", platform="cisco_xe")

VERSION = (
    "Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.1(4)M12, RELEASE SOFTWARE (fc1)\n"
    "R1 uptime is 2 weeks, 3 days, 4 hours, 5 minutes\n"
    "System returned to ROM by power-on\n"
    'System image file is "flash0:c2900-universalk9-mz.SPA.151-4.M12.bin"\n'
    "Cisco CISCO2911/K9 (revision 1.0) with 483328K/40960K bytes of memory.\n"
    "Configuration register is 0x2102\n"
)
VERSION_XE = (
    "Cisco IOS XE Software, Version 16.09.04\n"
    "Cisco IOS Software [Fuji], ASR1000 Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 16.9.4, RELEASE SOFTWARE (fc2)\n"
    "R2 uptime is 1 week\n"
    "System returned to ROM by reload\n"
    'System image file is "bootflash:asr1000.bin"\n'
    "Configuration register is 0x2102\n"
)
HEAD = (
    "Syslog logging: enabled (0 messages dropped, 0 messages rate-limited, 0 flushes, 0 overruns, xml disabled, "
    "filtering disabled)\n\n"
    "    Buffer logging:  level informational, 3 messages logged, xml disabled,\n"
    "                    filtering disabled\n\n"
    "Log Buffer (65536 bytes):\n\n"
)
QUIET = HEAD + "Nov 24 11:58:01.100: %SYS-5-CONFIG_I: Configured from console by vty0 (198.51.100.7)\n"


def inv_spi(*sources):
    return HEAD + "".join(
        f"Nov 24 11:58:0{number % 10}.100: %CRYPTO-4-RECVD_PKT_INV_SPI: decaps: rec'd IPSEC packet has invalid spi for "
        f"destaddr=192.0.2.1, prot=50, spi=0x{number + 4096:08X}({number + 4096}), srcaddr={source}\n"
        for number, source in enumerate(sources)
    )


MGRE = (
    "crypto ipsec profile P\ninterface Tunnel0\n ip nhrp network-id 1\n ip nhrp nhs 10.0.0.1 nbma 192.0.2.9 multicast\n"
    " tunnel mode gre multipoint\n tunnel protection ipsec profile P\n"
)
MAP = "crypto map M 10 ipsec-isakmp\n set peer 198.51.100.1\ninterface Gi0/0\n crypto map M\n"
IKE2 = "crypto ikev2 profile V2\ninterface Tunnel1\n tunnel protection ipsec profile P ikev2-profile V2\n"
DROPS = "Drop Type  Name                                     Packets\n" + "-" * 60 + "\n"


def ask(device, answers, knowledge=None, refused=()):
    """Run a plan against answers by the beginning of the line; the lines asked."""
    captures = ()
    plan = plan_for(device, knowledge, pause=lambda _seconds: None)
    for _ in range(20):
        lines = plan(captures)
        if not lines:
            return [capture.command for capture in captures]
        for line in lines:
            assert allow.allowed(line)
            failure = None
            if any(word in line for word in refused):
                failure = Failure(code=ErrorCode.CMD_DENIED, phase="command", message="no", command=line)
            text = next((text for beginning, text in answers.items() if line.startswith(beginning)), "")
            captures += (Capture(command=line, text="" if failure else text, failure=failure),)
    raise AssertionError("the plan does not end")


def answers(**more):
    base = {
        "show version": VERSION,
        "show running-config | include": "hostname R1\nlogging buffered 65536 informational\n",
        "show clock": "12:00:00.123 UTC Tue Nov 24 2026\n",
        "show logging": QUIET,
        "show privilege": "Current privilege level is 15\n",
        "show running-config | section": MAP,
    }
    return base | {key.replace("_", " "): value for key, value in more.items()}


def short(lines):
    return [line.partition(" |")[0].removeprefix("show ") for line in lines]


def test_a_quiet_ios_router_is_asked_six_lines():
    assert short(ask(IOS, answers())) == [
        "version", "running-config", "clock", "logging", "privilege", "running-config",
    ]  # fmt: skip
    assert short(ask(IOS, answers(), Knowledge(configuration=False))) == [
        "version", "running-config", "clock", "logging", "privilege",
    ]  # fmt: skip


def test_ios_xe_by_its_version_is_asked_the_drop_counters():
    lines = ask(IOS, answers(show_version=VERSION_XE), Knowledge(configuration=False))
    assert f"{DATAPATH} all" in lines
    assert "show platform hardware qfp active statistics drop" in lines
    assert len(lines) == 7
    assert f"{DATAPATH} all" not in ask(XE, answers(), Knowledge(configuration=False))  # it says IOS itself
    assert f"{DATAPATH} all" in ask(XE, answers(), Knowledge(configuration=False), refused=("version",))


def test_a_suspect_is_asked_about_its_peers_only():
    lines = ask(IOS, answers(show_logging=inv_spi("198.51.100.1", "198.51.100.1", "198.51.100.2")))
    assert [line for line in lines if "ipsec sa" in line] == [
        "show crypto ipsec sa peer 198.51.100.1", "show crypto ipsec sa peer 198.51.100.2",
    ]  # fmt: skip
    assert "show crypto session detail" in lines
    assert "show crypto isakmp sa" in lines
    assert "show crypto ikev2 sa detailed" not in lines
    one = ask(IOS, answers(show_logging=inv_spi("198.51.100.1")))
    assert "show crypto session remote 198.51.100.1 detail" in one
    many = ask(IOS, answers(show_logging=inv_spi(*(f"198.51.100.{number}" for number in range(1, 9)))))
    assert next(line for line in many if "ipsec sa" in line).startswith("show crypto ipsec sa | include ")


@pytest.mark.parametrize(
    ("device", "given", "knowledge"),
    [
        (IOS, {"show_logging": HEAD + "Nov 24 11:58:01: %CRYPTO-4-IKMP_NO_SA: IKE message from 198.51.100.1 has no SA and "
               "is not an initialization offer\n"}, Knowledge()),
        (XE, {"show_version": VERSION_XE, DATAPATH.replace(" ", "_"): DROPS + "      4  IN_US_V4_PKT_SA_NOT_FOUND_SPI   64574\n"},
         Knowledge()),
        (IOS, {}, Knowledge(suspect=True)),
        (IOS, {}, Knowledge(peers=("198.51.100.1",))),
        (IOS, {"show_logging": HEAD.replace("level informational, 3 messages logged, xml disabled,\n"
               "                    filtering disabled", "disabled, xml disabled,\n                    filtering disabled")},
         Knowledge()),
    ],
)  # fmt: skip
def test_what_makes_a_suspect(device, given, knowledge):
    assert any("ipsec sa" in line for line in ask(device, answers(**given), knowledge))


def test_a_counter_that_did_not_move_makes_no_suspect():
    given = answers(
        show_version=VERSION_XE,
        **{DATAPATH.replace(" ", "_"): DROPS + "      4  IN_US_V4_PKT_SA_NOT_FOUND_SPI   64574\n"},
    )
    known = Knowledge(counters={"IN_US_V4_PKT_SA_NOT_FOUND_SPI": 64574})
    assert not any("ipsec sa" in line for line in ask(XE, given, known))
    known = Knowledge(counters={"IN_US_V4_PKT_SA_NOT_FOUND_SPI": 64000})
    assert any("ipsec sa" in line for line in ask(XE, given, known))


def test_what_the_configuration_calls_for():
    log = inv_spi("198.51.100.1")
    mgre = ask(IOS, answers(show_logging=log) | {"show running-config | section": MGRE})
    assert {"show ip nhrp", "show ip nhrp nhs"} <= set(mgre)
    plain = ask(IOS, answers(show_logging=log))
    assert "show ip nhrp" not in plain
    second = ask(IOS, answers(show_logging=log) | {"show running-config | section": IKE2})
    assert "show crypto ikev2 sa detailed" in second
    assert "show crypto isakmp sa" not in second


def test_a_large_log_is_asked_filtered():
    given = answers() | {"show running-config | include": "hostname R1\nlogging buffered 8000000 informational\n"}
    assert next(line for line in ask(IOS, given) if "logging" in line and "running" not in line).startswith(
        "show logging | include "
    )
    small = Knowledge(thresholds=Thresholds(full_log_max=10_000))
    assert next(line for line in ask(IOS, answers(), small) if line.startswith("show logging")) != "show logging"
    ladder = ask(IOS, given, refused=("show logging |",))
    assert "show logging" in ladder


def test_the_ladder_where_pipes_are_refused():
    lines = ask(IOS, answers(show_logging=inv_spi("198.51.100.1")), refused=("| section", "| include"))
    assert {"show crypto map", "show crypto ipsec profile"} <= set(lines)
    assert "show running-config" not in lines
    many = answers(show_logging=inv_spi(*(f"198.51.100.{number}" for number in range(1, 9))))
    assert "show crypto ipsec sa" in ask(IOS, many, refused=("sa |",))


def test_never_more_than_twelve_and_audit_asks_everything():
    worst = answers(show_version=VERSION_XE, show_logging=inv_spi("198.51.100.1", "198.51.100.2", "198.51.100.3"))
    worst["show running-config | section"] = MGRE + MAP + IKE2
    lines = ask(XE, worst)
    assert len(lines) <= MOST == 12
    assert len(set(lines)) == len(lines)
    audit = ask(
        XE, answers(show_version=VERSION_XE) | {"show running-config | section": MGRE + IKE2}, Knowledge(audit=True)
    )
    assert {
        "show crypto ipsec sa", "show crypto session detail", "show ip nhrp", "show crypto isakmp sa", "show crypto map",
        "show crypto ikev2 sa detailed", "show crypto ipsec profile", "show crypto ipsec spi-lookup detail",
    } <= set(audit)  # fmt: skip


def test_a_second_look_is_short():
    lines = relook_for(XE, Knowledge(peers=("198.51.100.1",)))(())
    assert "show crypto ipsec sa peer 198.51.100.1" in lines
    assert len(lines) <= 7
    assert relook_for(XE)((Capture(command="show clock", text=""),)) == ()


def test_garbage_answers_end_the_plan_all_the_same():
    junk = dict.fromkeys(answers(), "\x00\xff garbage % Invalid\n" * 50)
    assert len(ask(XE, junk)) <= MOST


BUSY = "CPU utilization for five seconds: 97%/12%; one minute: {}%; five minutes: 90%\n"
MANY = inv_spi(*(f"198.51.100.{number}" for number in range(1, 9)))


def test_the_cpu_is_read_before_whole_tables_only():
    lines = ask(IOS, answers(show_logging=MANY))
    guard = lines.index("show processes cpu | include CPU utilization")
    assert guard < min(
        lines.index(line) for line in lines if line.startswith(("show crypto ipsec", "show crypto session"))
    )
    assert not any("cpu" in line for line in ask(IOS, answers()))
    assert not any("cpu" in line for line in ask(IOS, answers(show_logging=inv_spi("198.51.100.1"))))


def test_a_busy_router_is_not_asked_for_whole_tables():
    calm = ask(IOS, answers(show_logging=MANY, show_processes=BUSY.format(84)))
    busy = ask(IOS, answers(show_logging=MANY, show_processes=BUSY.format(85)))
    assert set(calm) - set(busy) == {
        line for line in calm if line.startswith(("show crypto ipsec sa", "show crypto session"))
    }
    assert len(set(calm) - set(busy)) == 2
    assert "show crypto isakmp sa" in busy
    never = Knowledge(thresholds=Thresholds(cpu_guard=101))
    assert ask(IOS, answers(show_logging=MANY, show_processes=BUSY.format(100)), never) == calm
    assert ask(IOS, answers(show_logging=MANY), refused=("cpu",)) == calm  # what cannot be read stops nothing


ROSE = {DATAPATH.replace(" ", "_"): DROPS + "      4  IN_US_V4_PKT_SA_NOT_FOUND_SPI   64574\n"}


def dated(device, given, knowledge=None, *, each=0.5):
    """Run a plan with captures of `each` seconds; (lines asked, seconds waited)."""
    now = [datetime(2026, 11, 24, 12, tzinfo=UTC)]
    waited, captures = [], ()

    def pause(seconds):
        waited.append(seconds)
        now[0] += timedelta(seconds=seconds)

    plan = plan_for(device, knowledge, pause=pause, clock=lambda: now[0])
    while lines := plan(captures):
        for line in lines:
            text = next((text for beginning, text in given.items() if line.startswith(beginning)), "")
            captures += (Capture(command=line, text=text, taken_at=now[0]),)
            now[0] += timedelta(seconds=each)
    return [capture.command for capture in captures], waited, captures


def test_a_counter_above_zero_at_first_sight_is_sampled_twice():
    given = answers(show_version=VERSION_XE, **ROSE)
    lines, waited, captures = dated(XE, given)
    tables = [capture for capture in captures if capture.command.startswith(DATAPATH)]
    assert len(tables) == 2
    assert lines[-1] == tables[0].command
    assert len(lines) <= MOST
    assert len(waited) == 1
    assert tables[1].taken_at - tables[0].taken_at >= timedelta(seconds=5)
    slow, waited, _ = dated(XE, given, each=2)
    assert (slow, waited) == (lines, [0])  # the commands in between took that long


@pytest.mark.parametrize(
    ("given", "knowledge"),
    [
        (ROSE, Knowledge(counters={"IN_US_V4_PKT_SA_NOT_FOUND_SPI": 64000})),  # the ledger gives the delta
        (ROSE, Knowledge(twice=False)),
        ({DATAPATH.replace(" ", "_"): DROPS + "      4  IN_US_V4_PKT_SA_NOT_FOUND_SPI   0\n"}, Knowledge(suspect=True)),
        ({}, Knowledge(suspect=True)),
    ],
)
def test_no_second_sample_where_it_would_tell_nothing(given, knowledge):
    lines, waited, _ = dated(XE, answers(show_version=VERSION_XE, **given), knowledge)
    assert sum(line.startswith(DATAPATH) for line in lines) <= 1
    assert waited == []


def test_no_second_sample_where_the_visit_has_no_time_left():
    lines, waited, _ = dated(XE, answers(show_version=VERSION_XE, **ROSE), each=5)
    assert sum(line.startswith(DATAPATH) for line in lines) == 1
    assert waited == []


def test_a_full_visit_stays_at_twelve_with_the_second_sample():
    given = answers(show_version=VERSION_XE, show_logging=MANY, show_processes=BUSY.format(3), **ROSE)
    for config in (MAP, MGRE, IKE2, MGRE + MAP + IKE2):
        lines, _, _ = dated(XE, given | {"show running-config | section": config})
        assert len(lines) <= MOST
        assert "show crypto session detail" in lines
