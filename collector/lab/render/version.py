"""show version."""

from __future__ import annotations

from collector.lab import seeds
from collector.lab.model import Device
from collector.lab.render.look import Lines, Look, short, uptime

_CRYPTO = """
This product contains cryptographic features and is subject to United
States and local country laws governing import, export, transfer and
use. Delivery of Cisco cryptographic products does not imply
third-party authority to import, export, distribute or use encryption.
Importers, exporters, distributors and users are responsible for
compliance with U.S. and local country laws. By using this product you
agree to comply with applicable laws and regulations. If you are unable
to comply with U.S. and local laws, return this product immediately.

A summary of U.S. laws governing Cisco cryptographic products may be found at:
http://www.cisco.com/wwl/export/crypto/tool/stqrg.html

If you require further assistance please contact us by sending email to
export@cisco.com.
""".splitlines()
_GPL = """

Cisco IOS-XE software, Copyright (c) 2005-{year} by cisco Systems, Inc.
All rights reserved.  Certain components of Cisco IOS-XE software are
licensed under the GNU General Public License ("GPL") Version 2.0.  The
software code licensed under GPL Version 2.0 is free software that comes
with ABSOLUTELY NO WARRANTY.  You can redistribute and/or modify such
GPL code under the terms of GPL Version 2.0.  For more details, see the
documentation or "License Notice" file accompanying the IOS-XE software,
or the applicable URL provided on the flyer accompanying the IOS-XE
software.

""".splitlines()
# model -> (head lines, ROM line, image file, hardware lines)
_HEADS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "c1841": (
        ("Cisco IOS Software, 1841 Software (C1841-ADVSECURITYK9-M), Version 12.4(15)T17, RELEASE SOFTWARE (fc1)",),
        "System Bootstrap, Version 12.4(13r)T, RELEASE SOFTWARE (fc1)",
        "flash:c1841-advsecurityk9-mz.124-15.T17.bin",
    ),
    "c2911": (
        ("Cisco IOS Software, C2900 Software (C2900-UNIVERSALK9-M), Version 15.7(3)M8, RELEASE SOFTWARE (fc1)",),
        "System Bootstrap, Version 15.0(1r)M16, RELEASE SOFTWARE (fc1)",
        "flash0:c2900-universalk9-mz.SPA.157-3.M8.bin",
    ),
    "c891": (
        ("Cisco IOS Software, C800 Software (C800-UNIVERSALK9-M), Version 15.4(3)M9, RELEASE SOFTWARE (fc1)",),
        "System Bootstrap, Version 15.4(1r)T, RELEASE SOFTWARE (fc1)",
        "flash:c800-universalk9-mz.SPA.154-3.M9.bin",
    ),
    "asr1002-old": (
        (
            "Cisco IOS Software, IOS-XE Software (PPC_LINUX_IOSD-ADVENTERPRISEK9-M), Version 12.2(33)XNB3, RELEASE SOFTWARE (fc1)",
        ),
        "IOS-XE ROMMON",
        "bootflash:asr1000rp1-adventerprisek9.02.02.03.122-33.XNB3.bin",
    ),
    "asr1001x": (
        (
            "Cisco IOS XE Software, Version 16.12.05",
            "Cisco IOS Software [Gibraltar], ASR1000 Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 16.12.5, RELEASE SOFTWARE (fc3)",
        ),
        "16.9(4r)",
        "bootflash:asr1001x-universalk9.16.12.05.SPA.bin",
    ),
    "isr4331": (
        (
            "Cisco IOS XE Software, Version 16.09.06",
            "Cisco IOS Software [Fuji], ISR Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 16.9.6, RELEASE SOFTWARE (fc2)",
        ),
        "IOS-XE ROMMON",
        "bootflash:isr4300-universalk9.16.09.06.SPA.bin",
    ),
    "c8300": (
        (
            "Cisco IOS XE Software, Version 17.09.04a",
            "Cisco IOS Software [Cupertino], c8000be Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 17.9.4a, RELEASE SOFTWARE (fc3)",
        ),
        "17.6(6r)",
        "bootflash:c8000be-universalk9.17.09.04a.SPA.bin",
    ),
    "c8000v": (
        (
            "Cisco IOS XE Software, Version 17.12.03",
            "Cisco IOS Software [Dublin], Virtual XE Software (X86_64_LINUX_IOSD-UNIVERSALK9-M), Version 17.12.3, RELEASE SOFTWARE (fc3)",
        ),
        "IOS-XE ROMMON",
        "bootflash:packages.conf",
    ),
}
_BUILT = {
    "c1841": "Tue 10-Jan-12 08:14",
    "c2911": "Wed 24-Mar-21 11:32",
    "c891": "Mon 20-Nov-17 03:51",
    "asr1002-old": "Thu 19-Feb-09 21:27",
    "asr1001x": "Fri 29-Jan-21 12:13",
    "isr4331": "Wed 11-Nov-20 03:29",
    "c8300": "Fri 20-Oct-23 10:44",
    "c8000v": "Tue 19-Mar-24 09:28",
}


def show_version(look: Look) -> Lines:
    """The whole of it; the parts that identify a router are the head, uptime, reload and board lines."""
    platform = look.device.platform
    _, rom, image = _HEADS[platform.key]
    lines = head(look.device)
    year = _BUILT[platform.key].split()[1][-2:]
    lines += [line.format(year=f"20{year}") for line in _GPL] if platform.is_xe else [""]
    lines += [f"ROM: {rom}", ""]
    lines += _boot(look, image)
    lines += ["", "", *_CRYPTO, ""]
    lines += _licence(look)
    lines += _hardware(look)
    lines += ["", "Configuration register is 0x2102", ""]
    return lines


def head(device: Device) -> Lines:
    """The first lines, which the message of a restart repeats."""
    built = _BUILT[device.platform.key]
    return [
        *_HEADS[device.platform.key][0],
        "Technical Support: http://www.cisco.com/techsupport",
        f"Copyright (c) 1986-20{built.split()[1][-2:]} by Cisco Systems, Inc.",
        f"Compiled {built} by {'mcpre' if device.platform.is_xe else 'prod_rel_team'}",
    ]


def _boot(look: Look, image: str) -> Lines:
    device = look.device
    up = uptime(look.now - device.booted)
    lines = [f"{device.name} uptime is {up}"]
    reason = device.reload_reason
    power = reason.lower() in {"power-on", "poweron"}
    if device.platform.is_xe:
        lines.append(f"Uptime for this control processor is {up}")
    lines.append(f"System returned to ROM by {'power-on' if power else 'reload'}")
    lines.append(f"System restarted at {short(look, device.booted)}")
    lines.append(f'System image file is "{image}"')
    if not device.platform.is_xe and look.era >= 2012:
        lines.append("Last reload type: Normal Reload")
    if look.era >= 2009:
        lines.append(f"Last reload reason: {reason}")
    return lines


def serial(look: Look) -> str:
    """The board's serial number, which an inventory may pin."""
    code = "".join("ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"[seeds.number(34, look.device.name, "sn", i)] for i in range(4))
    return f"FTX{1500 + seeds.number(900, look.device.name, 'sn')}{code}"


def _licence(look: Look) -> Lines:
    key = look.device.platform.key
    if key == "c8000v":
        return [
            "License Level: ",
            "License Type: Perpetual",
            "Next reload license Level: ",
            "",
            "Addon License Level: ",
            "Addon License Type: Subscription",
            "Next reload addon license Level: ",
            "",
            "The current throughput level is 200000 kbps ",
            "",
            "",
            "Smart Licensing Status: Smart Licensing Using Policy",
            "",
        ]
    if key in {"c8300", "asr1001x", "isr4331"}:
        return [
            "",
            "Technology Package License Information: ",
            "",
            "-----------------------------------------------------------------",
            "Technology    Technology-package           Technology-package",
            "              Current       Type           Next reboot  ",
            "------------------------------------------------------------------",
            "securityk9       securityk9       RightToUse       securityk9",
            "ipbase           ipbasek9         Permanent        ipbasek9",
            "",
            "",
        ]
    return []


def _hardware(look: Look) -> Lines:
    platform = look.device.platform
    board = f"Processor board ID {serial(look)}"
    nvram = "32768K bytes of non-volatile configuration memory."
    if platform.key == "c1841":
        return [
            "Cisco 1841 (revision 7.0) with 355328K/37888K bytes of memory.",
            board,
            "2 FastEthernet interfaces",
            "1 Virtual Private Network (VPN) Module",
            "DRAM configuration is 64 bits wide with parity disabled.",
            "191K bytes of NVRAM.",
            "62720K bytes of ATA CompactFlash (Read/Write)",
        ]
    if not platform.is_xe:
        return [
            f"Cisco {platform.model} (revision 1.0) with 483328K/40960K bytes of memory.",
            board,
            "3 Gigabit Ethernet interfaces",
            "1 terminal line",
            "1 Virtual Private Network (VPN) Module",
            "DRAM configuration is 64 bits wide with parity disabled.",
            "255K bytes of non-volatile configuration memory.",
            "250880K bytes of ATA System CompactFlash 0 (Read/Write)",
            "",
            "",
            "License Info:",
            "",
            "License UDI:",
            "",
            "-------------------------------------------------",
            "Device#\t  PID\t\t\tSN",
            "-------------------------------------------------",
            f"*0  \t  {platform.model:<22}{serial(look)}     ",
            "",
        ]
    chassis = {
        "asr1002-old": "cisco ASR1002 (2RU) processor with 1710961K/6147K bytes of memory.",
        "asr1001x": "cisco ASR1001-X (1NG) processor (revision 1NG) with 3753632K/6147K bytes of memory.",
        "isr4331": "cisco ISR4331/K9 (1RU) processor with 1795979K/3071K bytes of memory.",
        "c8300": "cisco C8300-1N1S-4T2X (1RU) processor with 3763577K/6147K bytes of memory.",
        "c8000v": "cisco C8000V (VXE) processor (revision VXE) with 2028465K/3075K bytes of memory.",
    }[platform.key]
    mode = ["Router operating mode: Autonomous"] if look.era >= 2023 else []
    return [
        chassis,
        board,
        *mode,
        "6 Gigabit Ethernet interfaces",
        nvram,
        "4194304K bytes of physical memory.",
        "7341807K bytes of eUSB flash at bootflash:.",
    ]
