"""`penstock serve`: the server, in the foreground until SIGTERM or SIGINT."""

import ipaddress
import re
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.connection import DataDir, directory
from penstock.cli.refusal import Refusal
from penstock.config import Config


def serve(
    data_dir: DataDir = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to serve on.")] = 4600,
    host: Annotated[str, typer.Option(help="The address to serve on.")] = "127.0.0.1",
    account_id: Annotated[
        str, typer.Option(help="The account that everything belongs to.")
    ] = "123456789012",
    region: Annotated[str, typer.Option(help="The Region that everything is in.")] = "us-east-1",
    no_auth: Annotated[
        bool, typer.Option("--no-auth", help="Take any credentials as root's (loopback only).")
    ] = False,
    docker_host: Annotated[
        str | None,
        typer.Option(
            envvar="DOCKER_HOST",
            help="The container engine.",
            show_default="its default socket",
        ),
    ] = None,
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="The key that encrypts secrets at rest.",
            show_default="in the data directory",
        ),
    ] = None,
    load_balancer_address: Annotated[
        str | None,
        typer.Option(
            help="An address of this host that all load balancers share, for clients on other "
            "machines.",
            show_default="one of 127.0.0.0/8 each",
        ),
    ] = None,
    refuse_recorded: Annotated[
        bool,
        typer.Option(
            "--refuse-recorded", help="Refuse stacks with resources that nothing runs behind."
        ),
    ] = False,
    source_interval: Annotated[
        float, typer.Option(min=1, help="Seconds between looks at sources on other git hosts.")
    ] = 30.0,
    github_url: Annotated[
        str, typer.Option(help="Where GitHub source actions find their repositories.")
    ] = "https://github.com",
) -> None:
    """Run the server: AWS's API and git, with all its state in the data directory."""
    config = Config(
        data_dir=directory(data_dir),
        host=host,
        port=port,
        account_id=account_id,
        region=region,
        authenticate=not no_auth,
        docker_host=docker_host or None,
        key_file=key_file.expanduser().absolute() if key_file else None,
        load_balancer_address=load_balancer_address,
        refuse_recorded=refuse_recorded,
        source_seconds=source_interval,
        github_url=github_url,
    )
    check(config)
    from penstock.server import run

    raise typer.Exit(run(config))


def check(config: Config) -> None:
    """Raise Refusal for options that no server can run with."""
    if config.data_dir.exists() and not config.data_dir.is_dir():
        raise Refusal(f"--data-dir: expected a directory, found a file: {config.data_dir}", 2)
    if not re.fullmatch(r"\d{12}", config.account_id):
        raise Refusal(f"--account-id: expected 12 digits, found {config.account_id!r}", 2)
    if not re.fullmatch(r"[a-z]{2}(-[a-z]+)+-\d+", config.region):
        raise Refusal(f"--region: expected a name such as us-east-1, found {config.region!r}", 2)
    if config.load_balancer_address is not None and not is_address(config.load_balancer_address):
        raise Refusal(
            "--load-balancer-address: expected an IPv4 address of this host, found "
            f"{config.load_balancer_address!r}",
            2,
        )
    if not config.github_url.startswith(("https://", "http://")):
        raise Refusal(f"--github-url: expected an http(s) address, found {config.github_url!r}", 2)
    if not config.authenticate and not is_loopback(config.host):
        raise Refusal(
            f"--no-auth lets anyone in who reaches {config.host}: it needs a loopback --host", 2
        )


def is_address(text: str) -> bool:
    """Tell whether `text` is an IPv4 address."""
    try:
        ipaddress.IPv4Address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Tell whether only this machine reaches `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
