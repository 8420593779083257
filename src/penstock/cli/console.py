"""`penstock console`: a one-time link that logs in to the web console."""

import html
import json
import tempfile
import time
import webbrowser
from pathlib import Path
from typing import Annotated

import botocore.auth
import typer
import urllib3
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from penstock.cli.connection import Connection, DataDir, connect
from penstock.cli.refusal import Refusal

_TIMEOUT_SECONDS = 10
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
    from penstock.aws.own_requests import SIGNING_NAME
    from penstock.console.login_links import LOGIN_LINKS_PATH

    url = connection.endpoint_url.rstrip("/") + LOGIN_LINKS_PATH
    request = AWSRequest("POST", url, data=b"{}", headers={"Content-Type": "application/json"})
    credentials = Credentials(
        connection.access_key_id, connection.secret_access_key, connection.session_token
    )
    botocore.auth.SigV4Auth(credentials, SIGNING_NAME, connection.region).add_auth(request)
    try:
        answer = urllib3.request(
            "POST",
            url,
            body=b"{}",
            headers=dict(request.headers.items()),
            timeout=_TIMEOUT_SECONDS,
            retries=False,
        )
        found = json.loads(answer.data)
        if answer.status == 200:
            return connection.endpoint_url.rstrip("/") + str(found["Path"])
        reason = found["message"]
    except urllib3.exceptions.HTTPError as error:
        raise Refusal(
            f"no server answers at {connection.endpoint_url}; start it: penstock serve "
            "--data-dir DIR"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise Refusal(f"{url} did not answer as a Penstock server does") from error
    raise Refusal(f"the server gave no link: {reason}")
