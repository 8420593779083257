"""CloudWatch Logs through the unmodified `aws` command."""

import json
from typing import Any

from tests.aws_command import aws_command


def test_events_are_put_read_and_filtered(server: Any, logs: Any, now_ms: int) -> None:
    aws = aws_command(server.aws.url)
    aws("logs", "create-log-group", "--log-group-name", "g")
    stream = ("--log-group-name", "g", "--log-stream-name", "s")
    aws("logs", "create-log-stream", *stream)
    events = [{"timestamp": now_ms + n, "message": text} for n, text in enumerate(["a", "ERROR b"])]
    aws("logs", "put-log-events", *stream, "--log-events", json.dumps(events))
    kept = logs.get_log_events(logGroupName="g", logStreamName="s")["events"]
    assert [(one["timestamp"], one["message"]) for one in kept] == [
        (one["timestamp"], one["message"]) for one in events
    ]
    found = aws("logs", "filter-log-events", "--log-group-name", "g", "--filter-pattern", "ERROR")
    assert [one["message"] for one in found["events"]] == ["ERROR b"]
    # localstack/localstack tests/aws/services/logs/test_logs_groups.snapshot.json, from AWS.
    assert aws("logs", "create-log-group", "--log-group-name", "g", refused=True).endswith(
        "An error occurred (ResourceAlreadyExistsException) when calling the CreateLogGroup "
        "operation: The specified log group already exists"
    )
