"""The distribution's Request Tracker 5 with a SQLite database of its own, on loopback, ended by its own process id."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from servers.loopback import free_port, wait_until_up

SETUP = shutil.which("rt-setup-database-5")
SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
PASSWORD = "password"  # RT's own first root password


def installed() -> bool:
    return SETUP is not None and SERVER.is_file()


@dataclass
class RequestTracker:
    """home: database and configuration, kept over `stop` and `start`."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "RT_SITE_CONFIG": str(self.home / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(self.home / "none"),
        }

    def start(self) -> None:
        self.process = subprocess.Popen(
            [str(SERVER), "--port", str(self.port), "--host", "127.0.0.1"],
            env=self.environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # it forks a worker: both end by their process group
        )
        wait_until_up(lambda: self.get("/REST/2.0/rt"), seconds=600, name="Request Tracker")

    def stop(self) -> None:
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(60)
            self.process = None

    def get(self, path: str) -> dict:
        token = b64encode(f"root:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request, timeout=200) as answer:
            return json.load(answer)

    def issues(self) -> list[dict]:
        """All tickets with subject and status, by id."""
        items = self.get("/REST/2.0/tickets?query=id%20%3E%200&fields=Subject,Status&per_page=100")["items"]
        rows = [{"id": row["id"], "title": row["Subject"], "status": row["Status"]} for row in items]
        return sorted(rows, key=lambda row: int(row["id"]))


def install(folder: Path) -> RequestTracker:
    port = free_port()
    for name in ("none", "mason", "sessions"):
        (folder / name).mkdir()
    settings = {
        "rtname": "test",
        "Organization": "example.net",
        "WebDomain": "127.0.0.1",
        "WebPort": str(port),
        "WebPath": "",
        "DatabaseType": "SQLite",
        "DatabaseName": str(folder / "rtdb"),
        "LogToSTDERR": "error",
        "MailCommand": "testfile",
        "MasonDataDir": str(folder / "mason"),
        "MasonSessionDir": str(folder / "sessions"),
    }
    text = "".join(f"Set(${key}, '{value}');\n" for key, value in settings.items())
    (folder / "RT_SiteConfig.pm").write_text(text + "Set($LogToSyslog, undef);\n1;\n")
    tracker = RequestTracker(home=folder, port=port)
    subprocess.run(
        [str(SETUP), "--action", "init", "--dba", "root", "--dba-password", ""],
        env=tracker.environment(),
        check=True,
        capture_output=True,
    )
    return tracker
