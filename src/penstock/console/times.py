"""Times as the pages show them: relative, with the exact time beside it."""

from datetime import UTC, datetime

_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60))
_JUST_NOW_SECONDS = 10


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago `moment` was, in its largest unit. `console.js` says the same."""
    seconds = int((now - moment).total_seconds())
    if seconds < _JUST_NOW_SECONDS:
        return "just now"
    for unit, length in _UNITS:
        count = seconds // length
        if count:
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return f"{seconds} seconds ago"


def until(moment: datetime, now: datetime) -> str:
    """Return about how far away `moment` is, in its largest unit. `console.js` says the same."""
    seconds = int((moment - now).total_seconds())
    if seconds <= 0:
        return "now"
    for unit, length in _UNITS:
        if seconds >= length:
            count = (seconds + length // 2) // length
            return f"in {count} {unit}{'' if count == 1 else 's'}"
    return "in less than a minute"


def took(seconds: float) -> str:
    """Return a duration: `0.4 s`, `38 s`, `2 min 5 s`, `1 h 10 min`."""
    if 0.05 <= seconds < 0.95:
        return f"{seconds:.1f} s"
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    minutes, whole = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes} min {whole} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def exact(moment: datetime) -> str:
    """Return date and time of day in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
