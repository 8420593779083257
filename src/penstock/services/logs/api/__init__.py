"""The operations of CloudWatch Logs."""

from penstock.aws.service import Service, bind
from penstock.services.logs.api import events, groups, streams, tags
from penstock.services.logs.log_groups import Logs

OPERATIONS = {
    "CreateLogGroup": groups.create_log_group,
    "CreateLogStream": streams.create_log_stream,
    "DeleteLogGroup": groups.delete_log_group,
    "DeleteLogStream": streams.delete_log_stream,
    "DeleteRetentionPolicy": groups.delete_retention_policy,
    "DescribeLogGroups": groups.describe_log_groups,
    "DescribeLogStreams": streams.describe_log_streams,
    "FilterLogEvents": events.filter_log_events,
    "GetLogEvents": events.get_log_events,
    "ListTagsForResource": tags.list_tags_for_resource,
    "PutLogEvents": events.put_log_events,
    "PutRetentionPolicy": groups.put_retention_policy,
    "TagResource": tags.tag_resource,
    "UntagResource": tags.untag_resource,
}


def service(logs: Logs) -> Service:
    """Return CloudWatch Logs on `logs`."""
    return Service("logs", bind(logs, OPERATIONS))
