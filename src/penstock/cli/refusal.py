"""Why a command cannot do what it was asked, in words for the person at the terminal."""


class Refusal(Exception):
    """`exit_code` is 2 for a mistake in the command's options, else 1."""

    def __init__(self, message: str, exit_code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = exit_code
