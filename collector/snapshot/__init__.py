"""Snapshots on disk, and readers of captures of other origin.

write(snapshot, folder), read(path): the saved folder of one device's visit. read_paths(paths, stdin): anything a person
may hand over - saved folders, pasted sessions, show tech, configurations, syslog files - as one snapshot a device.
"""

from __future__ import annotations

from collector.snapshot.reader import capture_of_file, read_paths
from collector.snapshot.store import read, write

__all__ = ["capture_of_file", "read", "read_paths", "write"]
