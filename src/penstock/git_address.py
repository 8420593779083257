"""Where a git repository on another host is, and what it takes to read it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Address:
    """Where a repository is, and how to get in; never shown but for its `url`."""

    url: str
    username: str = "git"
    token: str | None = None
    private_key: str | None = None
    known_hosts: str | None = None
    ca: str | None = None

    def __repr__(self) -> str:
        return f"Address({self.url!r})"
