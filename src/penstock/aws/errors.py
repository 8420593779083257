"""Errors that a caller sees, named as AWS's service models name them."""

from typing import Any


class ServiceError(Exception):
    """A caller's mistake. `code` names an error shape of the called service's model.

    The wire code, HTTP status and serialisation come from the model
    (`ChangeSetNotFoundException` is sent as `ChangeSetNotFound`). Codes that no model
    declares (`AccessDeniedException`, `ValidationException`, ...) carry `status`.
    `members` are further members of the error shape, besides the message.
    """

    def __init__(
        self, code: str, message: str, *, status: int | None = None, **members: Any
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.members = members

    def __str__(self) -> str:
        return f"{self.code}: {self.message}"
