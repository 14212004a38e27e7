"""Correlate: the far end of each incident, found among all devices of a run by SPI and addresses."""

from __future__ import annotations

from collector.correlate.join import joins

__all__ = ["joins"]
