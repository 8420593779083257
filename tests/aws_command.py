"""The unmodified `aws` command against a test's server, with the root's key."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.aws_server import ROOT_KEY

_AWS = Path(sys.executable).with_name("aws")


def aws_command(url: str, region: str = "us-east-1") -> Callable[..., Any]:
    """Return a function that runs `aws` and returns its JSON, or its text where it prints none.

    With `refused=True` the command must fail, and what it says is returned.
    """
    environment = os.environ | {
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": ROOT_KEY.access_key_id,
        "AWS_SECRET_ACCESS_KEY": ROOT_KEY.secret_access_key,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_MAX_ATTEMPTS": "1",
        "AWS_PAGER": "",
    }

    def run(*arguments: str, refused: bool = False) -> Any:
        done = subprocess.run(
            [_AWS, *arguments], env=environment, capture_output=True, text=True, timeout=60,
            check=False,
        )  # fmt: skip
        if refused:
            assert done.returncode != 0, done.stdout
            return done.stderr.strip()
        assert done.returncode == 0, done.stderr
        try:
            return json.loads(done.stdout)
        except ValueError:
            return done.stdout

    return run
