"""What every protocol is: read a request, write a response, write a failure."""

from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.model import OperationModel

from penstock.aws.failure import Failure
from penstock.aws.http import HttpRequest, HttpResponse
from penstock.aws.models import Model

RequestBody = bytes | AsyncIterator[bytes]
"""The whole body, or for a streaming operation an iterator over it."""


@dataclass(frozen=True, slots=True)
class Codec:
    """`path_labels` are the values of the URI template's labels (REST protocols only)."""

    parse: Callable[[OperationModel, HttpRequest, RequestBody, Mapping[str, str]], dict[str, Any]]
    serialise: Callable[[Model, OperationModel, Mapping[str, Any], str], HttpResponse]
    serialise_failure: Callable[[Model | None, Failure, str], HttpResponse]


def takes_stream(operation: OperationModel) -> bool:
    """Tell whether the operation's request body is a stream of bytes."""
    return bool(operation.has_streaming_input)
