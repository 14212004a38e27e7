"""A real Roundup tracker (its own package, classic template) on loopback.

roundup-server refuses to run as root, so its WSGI dispatcher is served in a process of its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path

from servers.loopback import free_port, wait_until_up

PASSWORD = "tracker-admin"
_SERVE = """
import sys
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from roundup.cgi.wsgi_handler import RequestDispatcher
class Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True
class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass
make_server("127.0.0.1", int(sys.argv[2]), RequestDispatcher(sys.argv[1]), Server, Quiet).serve_forever()
"""


@dataclass
class Roundup:
    """home: the tracker's folder. `start` and `stop` may be called again: the data stays."""

    home: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", _SERVE, str(self.home), str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_up(lambda: self.get("/rest/data/status"), seconds=300, name="Roundup")

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None

    def get(self, path: str) -> dict:
        token = b64encode(f"admin:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(
            self.url + path, headers={"Authorization": f"Basic {token}", "X-Requested-With": "rest"}
        )
        with urllib.request.urlopen(request, timeout=100) as answer:
            return json.load(answer)["data"]

    def issues(self) -> list[dict]:
        """All issues with title, status name and number of messages, by id."""
        names = {row["id"]: row["name"] for row in self.get("/rest/data/status?@fields=name")["collection"]}
        rows = self.get("/rest/data/issue?@fields=title,status,messages")["collection"]
        return [
            {
                "id": row["id"],
                "title": row["title"],
                "status": names[row["status"]["id"]] if row["status"] else None,
                "messages": len(row["messages"]),
            }
            for row in sorted(rows, key=lambda row: int(row["id"]))
        ]


def install(folder: Path) -> Roundup:
    """A fresh tracker in `folder`, not started."""
    home = folder / "tracker"
    port = free_port()
    admin = [sys.executable, "-c", "from roundup.scripts.roundup_admin import run; run()", "-i", str(home)]
    subprocess.run([*admin, "install", "classic", "anydbm"], check=True, capture_output=True)
    config = home / "config.ini"
    text = config.read_text(encoding="utf-8")
    for key, value in (("web", f"http://127.0.0.1:{port}/"), ("domain", "example.net"), ("host", "127.0.0.1")):
        text = text.replace(f"#{key} = NO DEFAULT", f"{key} = {value}", 1)
    text = text.replace("debug = \n", f"debug = {folder / 'mail.mbox'}\n", 1)  # no mail leaves
    config.write_text(text, encoding="utf-8")
    subprocess.run([*admin, "initialise", PASSWORD], check=True, capture_output=True)
    return Roundup(home=home, port=port)
