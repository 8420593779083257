"""One way to say which error is expected."""

import contextlib

import pytest
from botocore.exceptions import ClientError


@contextlib.contextmanager
def failure(code, message=None, *, contains=""):
    """Expect a ClientError of `code`; HEAD's have the status for it, having no body."""
    with pytest.raises(ClientError) as caught:
        yield caught
    error = caught.value.response["Error"]
    assert error["Code"] == code, error
    if message is not None:
        assert error["Message"] == message
    assert contains in error["Message"]
