"""`penstock console`: a one-time link that logs in to the web console."""

import html
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from penstock.cli.connection import Connection, DataDir, connect
from penstock.cli.own_requests import ask
from penstock.cli.refusal import Refusal

_LOADING_SECONDS = 5.0


def console(
    open_browser: Annotated[
        bool, typer.Option("--open", help="Open the link in this machine's web browser.")
    ] = False,
    data_dir: DataDir = None,
) -> None:
    """Print a link that logs in to the web console: once, within five minutes."""
    link = login_link(connect(data_dir))
    print(link, flush=True)
    if open_browser and not show(link):
        raise Refusal("no web browser could be started; open the link yourself")


def show(link: str) -> bool:
    """Open the link in a web browser; False when there is none.

    A program's arguments are seen by every user of the machine, who could follow the link first:
    so the browser is given a page of this user's alone that leads on. It stands in the home
    directory, where packaged browsers may read, for as long as loading it takes.
    """
    with tempfile.TemporaryDirectory(prefix="penstock-login-", dir=Path.home()) as directory:
        page = Path(directory) / "login.html"
        page.touch(mode=0o600)
        page.write_text(
            '<!doctype html><meta name="referrer" content="no-referrer">'
            f'<meta http-equiv="refresh" content="0; url={html.escape(link)}">'
        )
        opened = webbrowser.open(page.as_uri())
        if opened:
            time.sleep(_LOADING_SECONDS)
    return opened


def login_link(connection: Connection) -> str:
    """Ask the server for a link that logs in whoever the connection's access key belongs to."""
    from penstock.console.login_links import LOGIN_LINKS_PATH

    found = ask(connection, LOGIN_LINKS_PATH, body=b"{}")
    return connection.endpoint_url.rstrip("/") + str(found["Path"])
