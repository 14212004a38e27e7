"""The distribution's Alertmanager on loopback, ended by its own process id."""

from __future__ import annotations

import json
import shutil
import subprocess
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from servers.loopback import free_port, wait_until_up

PROGRAM = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")


@dataclass
class Alertmanager:
    """folder: its data, kept over `stop` and `start`."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        config = self.folder / "alertmanager.yml"
        config.write_text("route: {receiver: none, group_wait: 1s}\nreceivers: [{name: none}]\n")
        self.process = subprocess.Popen(
            [
                str(PROGRAM),
                f"--config.file={config}",
                f"--storage.path={self.folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{self.port}",
                "--cluster.listen-address=",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until_up(self.ready, seconds=300, name="Alertmanager")

    def ready(self) -> None:
        urllib.request.urlopen(self.url + "/-/ready", timeout=30).close()

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(60)
            self.process = None

    def alerts(self) -> list[dict]:
        with urllib.request.urlopen(self.url + "/api/v2/alerts?active=true&silenced=true", timeout=100) as answer:
            return json.load(answer)


def install(folder: Path) -> Alertmanager:
    port = free_port()
    return Alertmanager(folder=folder, port=port)
