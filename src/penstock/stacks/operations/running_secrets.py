"""What running operations have looked up and must show nowhere. In memory alone, and only as long
as the operation runs here: a resumed one looks its references up again."""

from collections.abc import Iterable

from penstock.stacks.display import Secrets


class RunningSecrets:
    """Values of dynamic references that calls were given, by the operation's id."""

    def __init__(self) -> None:
        self._values: dict[str, set[str]] = {}

    def keep(self, operation_id: str, values: Iterable[str]) -> None:
        """Mask these too from now on."""
        self._values.setdefault(operation_id, set()).update(values)

    def masked(self, operation_id: str, text: str) -> str:
        """Return a text without the operation's secrets."""
        return Secrets(frozenset(self._values.get(operation_id, ()))).masked_text(text)

    def forget(self, operation_id: str) -> None:
        """Forget the secrets of an operation that is over."""
        self._values.pop(operation_id, None)
