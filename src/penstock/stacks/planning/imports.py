"""The exports that a template is evaluated with, and which of them it uses. Pure."""

from collections.abc import Iterator, Mapping


class Imports(Mapping[str, str]):
    """Exports that remember which of them were asked for."""

    def __init__(self, exports: Mapping[str, str]) -> None:
        self._exports = exports
        self.used: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.used.add(name)
        return self._exports[name]

    def __contains__(self, name: object) -> bool:
        return name in self._exports

    def __iter__(self) -> Iterator[str]:
        return iter(self._exports)

    def __len__(self) -> int:
        return len(self._exports)

    def found(self) -> dict[str, str]:
        """Return the values of those that were asked for, by name."""
        return {name: self._exports[name] for name in sorted(self.used)}
