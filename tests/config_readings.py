"""A classified configuration as rows to compare with an engineer's reading (tests/configs, tests/expected)."""

from __future__ import annotations

from collector.config import recovery_of


def seen(config):
    return sorted(
        (
            {
                "name": binding.name,
                "type": str(binding.config_type),
                "interface": binding.interface,
                "local": [str(address) for address in binding.local],
                "ike": binding.ike_version,
                "acceptor": str(binding.acceptor_type) if binding.acceptor_type else None,
                "fvrf": binding.fvrf,
                "ivrf": binding.ivrf,
                "applied": binding.applied,
                "shutdown": binding.shutdown,
                "shared": bool(binding.shared),
                "peers": {
                    peer.text: str(recovery_of(binding, peer, ike_version=binding.ike_version)[0])
                    for peer in binding.peers
                },
            }
            for binding in config.bindings
        ),
        key=lambda row: (row["name"], row["interface"] or ""),
    )


def wanted(expected):
    blank = {
        "interface": None,
        "acceptor": None,
        "fvrf": None,
        "ivrf": None,
        "applied": True,
        "shutdown": False,
        "shared": False,
    }
    rows = [{**blank, **{key: value for key, value in row.items() if key != "dpd"}} for row in expected["bindings"]]
    return sorted(rows, key=lambda row: (row["name"], row["interface"] or ""))


def same(config, expected) -> None:
    """The whole comparison: bindings and peers, the command, the keepalive, DPD where the reading names it."""
    assert seen(config) == wanted(expected)
    assert config.recovery is expected["recovery_configured"]
    assert config.dpd.mode == expected["keepalive"]
    dpd = {(row["name"], row.get("interface")): row["dpd"] for row in expected["bindings"] if "dpd" in row}
    assert {
        (one.name, one.interface): one.dpd.mode for one in config.bindings if (one.name, one.interface) in dpd
    } == dpd
