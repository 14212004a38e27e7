"""A token bucket for logins: in any w seconds at most rate x w + one second's worth reach the AAA server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Bucket:
    """Tokens that come at `rate` a second; at most one second's worth (at least one) is kept."""

    def __init__(self, rate: float, now: Callable[[], float] = time.monotonic) -> None:
        self.rate = rate
        self.size = max(1.0, rate)
        self._now = now
        self._lock = threading.Lock()
        self._tokens = self.size
        self._at = now()

    def wait_for(self, tokens: float = 1.0) -> float:
        """Seconds until `tokens` are there, 0 where they are; nothing is taken."""
        with self._lock:
            self._fill()
            return max(0.0, (min(tokens, self.size) - self._tokens) / self.rate)

    def take(self, tokens: float = 1.0) -> bool:
        """Take `tokens` where they are there; a wish for more than the bucket holds leaves a debt."""
        with self._lock:
            self._fill()
            if self._tokens < min(tokens, self.size):
                return False
            self._tokens -= tokens
            return True

    def reserve(self, tokens: float = 1.0) -> float:
        """Take `tokens` now, in debt if need be, and say how many seconds to wait before using them."""
        with self._lock:
            self._fill()
            self._tokens -= tokens
            return max(0.0, -self._tokens / self.rate)

    def _fill(self) -> None:
        now = self._now()
        self._tokens = min(self.size, self._tokens + (now - self._at) * self.rate)
        self._at = now
