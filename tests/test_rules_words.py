"""The small pieces of text that rules share."""

from __future__ import annotations

from datetime import timedelta

import pytest
from builders import CONFIG, FAR, NOW, SPI, facts, incident, key, only, peer

from collector.model import ConfigLine, Spi, State
from collector.rules.words import evidence_of, lasting, lines_text, listed, moment, sentences, spi_text, standing


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (42, "42 s"),
        (119, "119 s"),
        (120, "2 min"),
        (3599, "59 min"),
        (3600, "1 h 0 min"),
        (90061, "25 h 1 min"),
    ],
)
def test_lasting(seconds, text):
    assert lasting(timedelta(seconds=seconds)) == text
    assert lasting(None) == "an unknown time"


def test_listed():
    assert listed([]) == ""
    assert listed(["a", "b", "a"]) == "a, b"
    assert listed("abcde") == "a, b, c, d, e"
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"


def test_sentences():
    assert (
        sentences("one", "", " two more. ", "br-7 is up", "svti: x", "is it?")
        == "One. Two more. br-7 is up. svti: x. Is it?"
    )


def test_spi_text_names_four_of_many():
    def of(count):
        return spi_text(incident(peer(), keys=tuple(key(Spi(n + 1)) for n in range(count))))

    assert of(0) == "an SPI that was not printed"
    assert of(1) == "SPI 0x00000001"
    assert of(4) == "SPIs 0x00000001, 0x00000002, 0x00000003, 0x00000004"
    assert of(6).endswith("0x00000004 and 2 more")


def test_lines_are_a_lower_bound():
    assert lines_text(incident(peer(), keys=(key(ages=(5,)),))).startswith("1 log line between")
    assert lines_text(incident(peer(), first_seen=None)) == "3 log lines (lines, not packets: the log is rate-limited)"
    assert moment(NOW) == "2026-03-14 12:00:00+00:00"
    assert moment(None) == "an unknown time"


def test_standing_leaves_a_flow_without_a_persistent_key_as_it_is():
    quiet = incident(peer(), keys=(key(SPI, State.TRANSIENT),))
    assert standing(quiet) == quiet
    both = standing(incident(peer(), keys=(key(SPI), key(Spi(7), State.TRANSIENT, ages=(900,)))))
    assert [one.spi for one in both.keys] == [SPI]
    assert both.messages == 3


def test_configuration_lines_as_evidence_name_their_capture():
    lines = (ConfigLine(line=3, text="a", command="show running-config | include x"), ConfigLine(line=4, text="b"))
    one, two = evidence_of(facts(), lines)
    assert (one.command, one.line, one.text, one.device) == ("show running-config | include x", 3, "a", "hub1")
    assert two.command == CONFIG


def test_a_vrf_that_was_not_read_makes_no_second_finding():
    ids = {only(facts(incident(peer(), vrf=vrf)), "SPI001").id for vrf in (None, "INET")}
    assert len(ids) == 1
    assert only(facts(incident(peer())), "SPI001").peer == FAR
