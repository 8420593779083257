"""The server's settings, as values; parsed from flags and environment by `cli/serve.py`."""

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Config:
    """What one server runs with. Nothing in it changes after start."""

    data_dir: Path
    host: str = "127.0.0.1"
    port: int = 4600
    account_id: str = "123456789012"
    region: str = "us-east-1"
    authenticate: bool = True
    """False only with `--no-auth` on loopback: any credentials act as root."""
    docker_host: str | None = None
    """As the DOCKER_HOST variable; None means the engine's default socket."""
    key_file: Path | None = None
    """The key that encrypts secrets at rest; None keeps it in the data directory."""

    load_balancer_address: str | None = None
    """An address of this host that all load balancers share; None gives each one of its own in
    127.0.0.0/8, which only this machine reaches."""
    refuse_recorded: bool = False
    """Refuse templates with resource types that nothing runs behind."""
    source_seconds: float = 30.0
    """Between looks at sources on other git hosts."""
    github_url: str = "https://github.com"
    """Where GitHub source actions find their repositories."""
    smtp_url: str | None = None
    """The relay that SNS sends mail through, `smtp://[USER@]HOST[:PORT]`; None sends none."""
    smtp_from: str | None = None
    """The address that mail is from."""
    smtp_password: str | None = field(default=None, repr=False)
    """The password of the relay's user."""

    public_url: str | None = None
    """Under what people elsewhere reach this server, without a path (a proxy's address, say);
    None where that is `endpoint_url`."""

    @property
    def link_url(self) -> str:
        """What links in messages begin with."""
        return self.public_url or self.endpoint_url

    @property
    def endpoint_url(self) -> str:
        """The address that clients on this machine use."""
        return f"http://{self.host}:{self.port}"
