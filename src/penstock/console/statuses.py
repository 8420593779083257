"""How a status looks: its tone (a colour), an icon, and its words. Never by colour alone."""

import re
from dataclasses import dataclass

_GOOD, _BAD, _BUSY, _WARN, _IDLE = "good", "bad", "busy", "warn", "idle"
_ICONS = {_GOOD: "✓", _BAD: "✕", _BUSY: "●", _WARN: "!", _IDLE: "○"}
_TONES = {
    **dict.fromkeys(("SUCCEEDED", "COMPLETE", "APPROVED"), _GOOD),
    **dict.fromkeys(("FAILED", "FAULT", "TIMED_OUT", "TIMEDOUT", "CLIENT_ERROR"), _BAD),
    **dict.fromkeys(("INPROGRESS", "IN_PROGRESS", "STOPPING", "QUEUED"), _BUSY),
    **dict.fromkeys(("STOPPED", "ABANDONED", "CANCELLED", "REJECTED", "WAITING"), _WARN),
    **dict.fromkeys(("SUPERSEDED", "SKIPPED", "NOT_STARTED", "VOIDED"), _IDLE),
}
_OF_STACKS = {"REVIEW_IN_PROGRESS": _IDLE, "DELETE_COMPLETE": _IDLE}
NOT_STARTED = "NOT_STARTED"
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")


@dataclass(frozen=True, slots=True)
class Look:
    """What a badge shows."""

    tone: str
    icon: str
    words: str


def look(status: str) -> Look:
    """Return the look of a status of CodePipeline, CodeBuild or CloudFormation.

    CloudFormation's (`UPDATE_ROLLBACK_COMPLETE`) keep their spelling, which people search for.
    """
    tone = tone_of(status)
    return Look(tone, _ICONS[tone], words(status))


def tone_of(status: str) -> str:
    """Return `good`, `bad`, `busy`, `warn` or `idle`."""
    known = _TONES.get(status.upper()) or _OF_STACKS.get(status)
    if known is not None:
        return known
    if status.endswith("_FAILED"):
        return _BAD
    if status.endswith("_IN_PROGRESS"):
        return _BUSY
    if "ROLLBACK" in status:
        return _WARN
    return _GOOD if status.endswith("_COMPLETE") else _IDLE


def words(status: str) -> str:
    """Return a status as people read it: `InProgress` and `IN_PROGRESS` are `In progress`."""
    if status.upper() in _TONES:
        return _CAMEL.sub(" ", status).replace("_", " ").capitalize()
    return status
