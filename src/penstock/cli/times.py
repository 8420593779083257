"""Times as people read them at a terminal."""

from datetime import datetime


def clock_time(moment: datetime | None) -> str:
    """Return the local time of day, or "" for None."""
    return moment.astimezone().strftime("%H:%M:%S") if moment else ""


def took(started: datetime | None, ended: datetime | None) -> str:
    """Return how long something took: `38 s`, `2 min 5 s`, `1 h 10 min`; "" when unknown."""
    if started is None or ended is None:
        return ""
    seconds = max(0, round((ended - started).total_seconds()))
    if seconds < 60:
        return f"{seconds} s"
    minutes, seconds = divmod(seconds, 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"


def ago(moment: datetime, now: datetime) -> str:
    """Return how long ago `moment` was, in its largest unit."""
    seconds = max(0, int((now - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"
