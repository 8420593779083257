"""`penstock serve`: the server, in the foreground until SIGTERM or SIGINT."""

import gc
import ipaddress
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

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
    public_url: Annotated[
        str | None,
        typer.Option(
            help="Under what people elsewhere reach this server, for links in messages.",
            show_default="http://HOST:PORT",
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
    smtp_url: Annotated[
        str | None,
        typer.Option(
            envvar="PENSTOCK_SMTP_URL",
            help="The relay for mail of SNS: smtp://[USER@]HOST[:PORT] or smtps://…; the password "
            "is in the variable PENSTOCK_SMTP_PASSWORD or in --smtp-password-file.",
            show_default="send no mail",
        ),
    ] = None,
    smtp_from: Annotated[
        str | None, typer.Option(envvar="PENSTOCK_SMTP_FROM", help="The address mail is from.")
    ] = None,
    smtp_password_file: Annotated[
        Path | None,
        typer.Option(
            envvar="PENSTOCK_SMTP_PASSWORD_FILE", help="The file with the mail relay's password."
        ),
    ] = None,
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
        public_url=public_url.rstrip("/") if public_url else None,
        load_balancer_address=load_balancer_address,
        refuse_recorded=refuse_recorded,
        source_seconds=source_interval,
        github_url=github_url,
        smtp_url=smtp_url or None,
        smtp_from=smtp_from or None,
        smtp_password=smtp_password(smtp_password_file, os.environ),
    )
    check(config)
    gc.disable()  # until it serves: hardly anything is rubbish yet, and to look takes a fifth of it
    try:
        from penstock.server import run

        raise typer.Exit(run(config))
    finally:
        gc.enable()


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
    check_public_url(config.public_url)
    check_mail(config)
    if not config.authenticate and not is_loopback(config.host):
        raise Refusal(
            f"--no-auth lets anyone in who reaches {config.host}: it needs a loopback --host", 2
        )
    if not config.authenticate and config.public_url is not None:
        raise Refusal(
            f"--no-auth lets anyone in who reaches {config.public_url}: it goes without "
            "--public-url",
            2,
        )


def check_public_url(url: str | None) -> None:
    """Raise Refusal for an address that no link can begin with."""
    if url is None:
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query:
        raise Refusal(f"--public-url: expected http(s)://HOST[:PORT] alone, found {url!r}", 2)


def check_mail(config: Config) -> None:
    """Raise Refusal for settings that no mail can be sent with."""
    if config.smtp_url is None:
        if config.smtp_from is not None:
            raise Refusal("--smtp-from: it needs --smtp-url, the relay that mail goes to", 2)
        return
    from penstock.services.sns.smtp_channel import relay

    try:
        relay(config.smtp_url, config.smtp_from, config.smtp_password)
    except ValueError as error:
        raise Refusal(f"--smtp-url: {error}", 2) from None


def smtp_password(file: Path | None, environment: Mapping[str, str]) -> str | None:
    """Return the mail relay's password: the file's first line, or the variable's value."""
    if file is None:
        return environment.get("PENSTOCK_SMTP_PASSWORD") or None
    try:
        return file.expanduser().read_text().partition("\n")[0].strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal(f"--smtp-password-file: {error}", 2) from None


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
