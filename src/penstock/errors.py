"""Trouble that is nobody's mistake. What a caller did wrong is `penstock.aws.errors`."""


class EngineError(Exception):
    """Trouble in the environment (container engine unreachable, disk full), nobody's mistake.

    Loops retry while `retryable`; a build that meets one ends as FAULT, never FAILED.
    """

    def __init__(self, message: str, *, retryable: bool) -> None:
        super().__init__(message)
        self.retryable = retryable
