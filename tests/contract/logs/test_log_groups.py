"""Log groups, streams, retention and tags through boto3."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from penstock.storage.log_files import LogEvent

_ARN = "arn:aws:logs:us-east-1:123456789012:log-group:"


def _refused(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


_NO_GROUP = ("ResourceNotFoundException", "The specified log group does not exist.")
_NO_STREAM = ("ResourceNotFoundException", "The specified log stream does not exist.")


def test_a_created_group_is_described(logs: Any, now_ms: int) -> None:
    logs.create_log_group(logGroupName="/app/web", tags={"team": "a"})
    (group,) = logs.describe_log_groups()["logGroups"]
    assert group["arn"] == f"{_ARN}/app/web:*"
    assert group["logGroupArn"] == f"{_ARN}/app/web"
    assert group["logGroupClass"] == "STANDARD"
    assert 0 <= group["creationTime"] - now_ms < 60_000
    assert "retentionInDays" not in group
    assert logs.list_tags_for_resource(resourceArn=f"{_ARN}/app/web")["tags"] == {"team": "a"}


def test_a_taken_name_is_refused(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    with pytest.raises(ClientError) as raised:
        logs.create_log_group(logGroupName="g")
    assert _refused(raised) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )


@pytest.mark.parametrize("option", [{"kmsKeyId": "k"}, {"deletionProtectionEnabled": True}])
def test_what_does_not_exist_here_is_refused(logs: Any, option: dict[str, Any]) -> None:
    with pytest.raises(ClientError, match=r"InvalidParameterException.*leave it out"):
        logs.create_log_group(logGroupName="g", **option)
    assert logs.describe_log_groups()["logGroups"] == []


def test_groups_are_listed_in_pages_by_prefix_and_by_part(logs: Any) -> None:
    names = [f"/a/{n}" for n in range(7)] + ["/b/3"]
    for name in names:
        logs.create_log_group(logGroupName=name)

    def listed(**arguments: Any) -> list[str]:
        pages = logs.get_paginator("describe_log_groups").paginate(**arguments)
        return [group["logGroupName"] for page in pages for group in page["logGroups"]]

    assert listed(PaginationConfig={"PageSize": 3}) == names
    assert listed(logGroupNamePrefix="/a") == names[:7]
    assert listed(logGroupNamePattern="3") == ["/a/3", "/b/3"]
    assert listed(logGroupIdentifiers=["/a/1", "/a/2"]) == ["/a/1", "/a/2"]
    with pytest.raises(ClientError, match="mutually exclusive"):
        listed(logGroupNamePrefix="/a", logGroupNamePattern="3")


def test_a_deleted_group_takes_its_streams_along(logs: Any, now_ms: int) -> None:
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    event = {"timestamp": now_ms, "message": "old"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    logs.delete_log_group(logGroupName="g")
    assert logs.describe_log_groups()["logGroups"] == []
    logs.create_log_group(logGroupName="g")
    assert logs.describe_log_streams(logGroupName="g")["logStreams"] == []
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    assert logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == []


def test_streams_are_made_listed_and_deleted(logs: Any, now_ms: int) -> None:
    logs.create_log_group(logGroupName="g")
    for number, name in enumerate(["b", "a2", "a1"]):
        logs.create_log_stream(logGroupName="g", logStreamName=name)
        events = [{"timestamp": now_ms - 1000 * number, "message": "x"}]
        logs.put_log_events(logGroupName="g", logStreamName=name, logEvents=events)

    def listed(**arguments: Any) -> list[str]:
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName="g", PaginationConfig={"PageSize": 2}, **arguments
        )
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]

    assert listed() == ["a1", "a2", "b"]
    assert listed(descending=True) == ["b", "a2", "a1"]
    assert listed(logStreamNamePrefix="a") == ["a1", "a2"]
    assert listed(orderBy="LastEventTime", descending=True) == ["b", "a2", "a1"]
    stream = logs.describe_log_streams(logGroupName="g", logStreamNamePrefix="b")["logStreams"][0]
    assert stream["firstEventTimestamp"] == stream["lastEventTimestamp"] == now_ms
    assert stream["lastIngestionTime"] >= now_ms - 1000
    assert stream["arn"] == f"{_ARN}g:log-stream:b"
    logs.delete_log_stream(logGroupName="g", logStreamName="a1")
    assert listed() == ["a2", "b"]
    with pytest.raises(ClientError) as raised:
        logs.create_log_stream(logGroupName="g", logStreamName="b")
    assert _refused(raised) == (
        "ResourceAlreadyExistsException",
        "The specified log stream already exists",
    )
    with pytest.raises(ClientError, match="Cannot order by LastEventTime"):
        listed(orderBy="LastEventTime", logStreamNamePrefix="a")


def test_absent_groups_and_streams_are_told_apart(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    event = [{"timestamp": 1, "message": "x"}]
    stream = {"logGroupName": "none", "logStreamName": "s"}
    for operation, arguments in [
        (logs.delete_log_group, {"logGroupName": "none"}),
        (logs.create_log_stream, stream),
        (logs.delete_log_stream, stream),
        (logs.get_log_events, stream),
        (logs.put_log_events, {**stream, "logEvents": event}),
        (logs.describe_log_streams, {"logGroupName": "none"}),
        (logs.filter_log_events, {"logGroupName": "none"}),
        (logs.put_retention_policy, {"logGroupName": "none", "retentionInDays": 7}),
        (logs.delete_retention_policy, {"logGroupName": "none"}),
        (logs.list_tags_for_resource, {"resourceArn": f"{_ARN}none"}),
        (logs.tag_resource, {"resourceArn": f"{_ARN}none", "tags": {"a": "b"}}),
        (logs.untag_resource, {"resourceArn": f"{_ARN}none", "tagKeys": ["a"]}),
    ]:
        with pytest.raises(ClientError) as raised:
            operation(**arguments)
        assert _refused(raised) == _NO_GROUP
    for operation in (logs.delete_log_stream, logs.get_log_events):
        with pytest.raises(ClientError) as raised:
            operation(logGroupName="g", logStreamName="none")
        assert _refused(raised) == _NO_STREAM


def test_retention_is_set_shown_and_removed(logs: Any) -> None:
    logs.create_log_group(logGroupName="g")
    logs.put_retention_policy(logGroupName="g", retentionInDays=7)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    logs.delete_retention_policy(logGroupName="g")
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]
    with pytest.raises(ClientError, match="Value '2' at 'retentionInDays' failed to satisfy"):
        logs.put_retention_policy(logGroupName="g", retentionInDays=2)


def test_expired_events_are_not_shown_and_their_space_is_freed(
    server: Any, logs: Any, now_ms: int
) -> None:
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    two_days_ago = now_ms - 2 * 86_400_000
    for first in range(0, 5000, 500):
        events = [LogEvent(two_days_ago, f"{first}" + "x" * 300)] * 500
        server.aws.run(server.domain.put("g", "s", events))
    assert len(logs.get_log_events(logGroupName="g", logStreamName="s", limit=10)["events"]) == 10
    logs.put_retention_policy(logGroupName="g", retentionInDays=1)
    assert logs.get_log_events(logGroupName="g", logStreamName="s")["events"] == []
    assert logs.filter_log_events(logGroupName="g")["events"] == []
    chunks = len(list(server.directory.rglob("*.gz")))
    server.aws.run(server.domain.expire())
    assert len(list(server.directory.rglob("*.gz"))) < chunks
    event = {"timestamp": now_ms, "message": "new"}
    logs.put_log_events(logGroupName="g", logStreamName="s", logEvents=[event])
    found = logs.get_log_events(logGroupName="g", logStreamName="s", startFromHead=True)["events"]
    assert [one["message"] for one in found] == ["new"]


def test_tags_are_added_replaced_and_removed(logs: Any) -> None:
    logs.create_log_group(logGroupName="g", tags={"a": "1", "b": "2"})
    logs.tag_resource(resourceArn=f"{_ARN}g", tags={"b": "3", "c": "4"})
    logs.untag_resource(resourceArn=f"{_ARN}g", tagKeys=["a"])
    assert logs.list_tags_for_resource(resourceArn=f"{_ARN}g")["tags"] == {"b": "3", "c": "4"}
    with pytest.raises(ClientError, match="TooManyTagsException"):
        logs.tag_resource(resourceArn=f"{_ARN}g", tags={f"k{n}": "" for n in range(49)})
    with pytest.raises(ClientError, match="expected the ARN of a log group"):
        logs.list_tags_for_resource(resourceArn="arn:aws:s3:::bucket-of-someone-else")


def test_a_restart_keeps_events_and_removes_orphaned_files(
    server: Any, logs: Any, now_ms: int
) -> None:
    server.aws.run(server.domain.ensure_stream("g", "s"))
    server.aws.run(server.domain.ensure_stream("g", "s"))
    server.aws.run(server.domain.put("g", "s", [LogEvent(now_ms, "kept")]))
    server.aws.run(server.domain.files.append("orphan-1", [LogEvent(1, "no row names it")]))
    server.aws.run(server.domain.close())
    server.aws.run(server.domain.start())
    assert server.aws.run(server.domain.files.size("orphan-1")) == 0
    events = logs.get_log_events(logGroupName="g", logStreamName="s")["events"]
    assert [event["message"] for event in events] == ["kept"]
