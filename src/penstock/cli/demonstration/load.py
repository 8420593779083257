"""Requests against one URL while something else happens: each answer counted, each failure kept.

Every request has a connection of its own, as a new visitor's has.
"""

import http.client
import json
import threading
import urllib.parse
from collections import Counter
from types import TracebackType
from typing import Self

_CLIENTS = 2
_PAUSE_SECONDS = 0.02
_TIMEOUT_SECONDS = 10


class Load:
    """Asks while its block runs. `answers` counts the JSON answers by their member `key`."""

    def __init__(self, url: str, key: str) -> None:
        place = urllib.parse.urlsplit(url)
        self._host, self._port = place.hostname or "", place.port or 80
        self._path, self._key = place.path or "/", key
        self.answers: Counter[str] = Counter()
        self.failures: list[str] = []
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(_CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(_TIMEOUT_SECONDS + 1)

    @property
    def requests(self) -> int:
        """How many requests have ended, well or not."""
        with self._lock:
            return sum(self.answers.values()) + len(self.failures)

    def _ask(self) -> None:
        while not self._stop.wait(_PAUSE_SECONDS):
            answer, failure = self._request()
            with self._lock:
                if failure:
                    self.failures.append(failure)
                else:
                    self.answers[answer] += 1

    def _request(self) -> tuple[str, str]:
        """Return what one request answered, and "" or why it counts as failed."""
        connection = http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request("GET", self._path, headers={"Connection": "close"})
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                return "", f"HTTP {answer.status}: {body[:200]!r}"
            return str(json.loads(body)[self._key]), ""
        except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError) as error:
            return "", repr(error)
        finally:
            connection.close()
