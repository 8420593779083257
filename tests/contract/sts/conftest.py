"""A server with IAM and STS as its own authority."""

from pathlib import Path
from typing import Any

import pytest
from tests.identity_server import IdentityServer


@pytest.fixture
def server(aws_server: Any, tmp_path: Path) -> IdentityServer:
    return IdentityServer(aws_server, tmp_path)
