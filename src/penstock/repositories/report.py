"""Holding back a push's report until the push is recorded.

git receive-pack answers with pkt-lines: progress on band 2, and the report (which
references were updated) on band 1. Progress may reach the client as it comes; the report
is the acknowledgement, so it, and all that follows, waits.
Source: https://git-scm.com/docs/gitprotocol-pack
"""

_LENGTH_DIGITS = 4
_PROGRESS_BAND = 2
_KEEPALIVE = b"0005\x01"


class ReportHoldback:
    """Feed it git's output; what it returns may be sent. `rest` is the held-back remainder."""

    def __init__(self) -> None:
        self._held = bytearray()
        self._report_began = False

    def feed(self, chunk: bytes) -> bytes:
        """Return the progress at the front of what is held, as whole pkt-lines."""
        self._held += chunk
        if self._report_began:
            return b""
        end = 0
        while (size := self._packet_size(end)) and end + size <= len(self._held):
            end += size
        free = bytes(self._held[:end])
        del self._held[:end]
        return free

    def rest(self) -> bytes:
        """Return what was held back."""
        return bytes(self._held)

    def _packet_size(self, start: int) -> int:
        """Return the size of the progress packet at `start`; 0 when it is none, or unfinished."""
        head = bytes(self._held[start : start + _LENGTH_DIGITS + 1])
        if len(head) <= _LENGTH_DIGITS:
            return 0
        if head == _KEEPALIVE:
            return len(_KEEPALIVE)
        try:
            size = int(head[:_LENGTH_DIGITS], 16)
        except ValueError:
            size = 0
        if size > _LENGTH_DIGITS and head[_LENGTH_DIGITS] == _PROGRESS_BAND:
            return size
        self._report_began = True
        return 0
