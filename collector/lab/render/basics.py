"""show clock, privilege, processes cpu, users, standby brief."""

from __future__ import annotations

from collector.lab.render.look import Lines, Look, clock


def show_clock(look: Look) -> Lines:
    """One line; `*` and `.` say that the time is not to be trusted."""
    line = look.device.clock.mark + clock(look)
    if look.has("detail"):
        source = "No time source" if look.device.clock.mark == "*" else "Time source is NTP"
        return [line, source]
    return [line]


def show_privilege(look: Look) -> Lines:
    """One line."""
    return [f"Current privilege level is {look.privilege}"]


def show_processes_cpu(look: Look) -> Lines:
    """The head and a few processes."""
    load = look.device.cpu
    return [
        f"CPU utilization for five seconds: {min(100, load + 2)}%/{load // 5}%; one minute: {load}%; five minutes: {load}%",
        " PID Runtime(ms)     Invoked      uSecs   5Sec   1Min   5Min TTY Process",
        "   1           8         430         18  0.00%  0.00%  0.00%   0 Chunk Manager",
        "   2       20412      610233         33  0.07%  0.03%  0.02%   0 Load Meter",
        f" 241     1204882    14820113         81  {load // 2}.19%  {load // 2}.08%  {load // 2}.02%   0 Crypto IKMP",
    ]


def show_users(look: Look) -> Lines:
    """The asking session."""
    return [
        "    Line       User       Host(s)              Idle       Location",
        f"*  2 vty 0     {look.user:<10} idle                 00:00:00 10.0.0.25",
        "",
        "  Interface    User               Mode         Idle     Peer Address",
        "",
    ]


def show_standby_brief(look: Look) -> Lines:
    """One HSRP group on the outside port, if any."""
    device = look.device
    if device.standby is None:
        return []
    mates = (d.wan.ip for d in look.network.devices if d.standby == device.standby and d.name != device.name)
    other = next(mates, device.standby + 1)
    name = device.platform.wan.replace("GigabitEthernet", "Gi").replace("FastEthernet", "Fa")
    active = device.standby_state == "Active"
    row = f"{name:<12}1    {110 if active else 100:<4}P {device.standby_state:<8}"
    row += f"{'local' if active else str(other):<16}{str(other) if active else 'local':<16}{device.standby}"
    return [
        "                     P indicates configured to preempt.",
        "                     |",
        "Interface   Grp  Pri P State   Active          Standby         Virtual IP",
        row,
    ]
