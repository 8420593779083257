"""Why a task could not start, by its user's doing."""


class CannotStart(Exception):
    """The task ends with `reason`, as AWS words it; `container` names the one at fault."""

    def __init__(self, reason: str, container: str | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.container = container
