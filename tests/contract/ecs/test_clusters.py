"""Clusters and the container instance through boto3."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

_ARN = "arn:aws:ecs:us-east-1:123456789012:cluster"
_MAIN = {"name": "main", "image": "app", "memory": 64}


def _error(raised: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_cluster_is_made_once_and_described(ecs: Any) -> None:
    made = ecs.create_cluster(clusterName="dev", tags=[{"key": "team", "value": "a"}])["cluster"]
    assert made["clusterArn"] == f"{_ARN}/dev"
    assert made["status"] == "ACTIVE"
    assert made["settings"] == [{"name": "containerInsights", "value": "disabled"}]
    again = ecs.create_cluster(clusterName="dev")["cluster"]
    assert again["tags"] == [{"key": "team", "value": "a"}]
    described = ecs.describe_clusters(clusters=["dev", "absent"], include=["TAGS"])
    assert [found["clusterName"] for found in described["clusters"]] == ["dev"]
    assert described["failures"] == [{"arn": f"{_ARN}/absent", "reason": "MISSING"}]
    found = described["clusters"][0]
    assert (found["runningTasksCount"], found["pendingTasksCount"]) == (0, 0)
    assert found["registeredContainerInstancesCount"] == 1
    assert ecs.list_clusters()["clusterArns"] == [f"{_ARN}/default", f"{_ARN}/dev"]
    first = ecs.list_clusters(maxResults=1)
    assert ecs.list_clusters(nextToken=first["nextToken"])["clusterArns"] == [f"{_ARN}/dev"]


def test_settings_change(ecs: Any) -> None:
    enabled = [{"name": "containerInsights", "value": "enabled"}]
    assert ecs.update_cluster(cluster="default", settings=enabled)["cluster"]["settings"] == enabled
    disabled = [{"name": "containerInsights", "value": "disabled"}]
    changed = ecs.update_cluster_settings(cluster="default", settings=disabled)["cluster"]
    assert changed["settings"] == disabled
    with pytest.raises(ClientError) as raised:
        ecs.update_cluster(cluster="absent", settings=enabled)
    assert _error(raised) == ("ClusterNotFoundException", "Cluster not found.")


def test_what_is_not_here_is_refused(ecs: Any) -> None:
    with pytest.raises(ClientError) as raised:
        ecs.create_cluster(clusterName="x", capacityProviders=["FARGATE"])
    assert _error(raised)[0] == "InvalidParameterException"
    assert "no capacity providers" in _error(raised)[1]


def test_a_cluster_with_tasks_is_not_deleted(ecs: Any) -> None:
    ecs.register_task_definition(family="app", containerDefinitions=[_MAIN])
    ecs.run_task(taskDefinition="app")
    with pytest.raises(ClientError) as raised:
        ecs.delete_cluster(cluster="default")
    assert _error(raised) == (
        "ClusterContainsTasksException",
        "The Cluster cannot be deleted while Tasks are active.",
    )
    ecs.create_cluster(clusterName="dev")
    assert ecs.delete_cluster(cluster=f"{_ARN}/dev")["cluster"]["status"] == "INACTIVE"
    assert ecs.describe_clusters(clusters=["dev"])["clusters"][0]["status"] == "INACTIVE"
    with pytest.raises(ClientError) as raised:
        ecs.delete_cluster(cluster="dev")
    assert _error(raised)[0] == "ClusterNotFoundException"
    assert ecs.create_cluster(clusterName="dev")["cluster"]["status"] == "ACTIVE"


def test_tags(ecs: Any) -> None:
    arn = f"{_ARN}/default"
    ecs.tag_resource(resourceArn=arn, tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}])
    ecs.untag_resource(resourceArn=arn, tagKeys=["a", "absent"])
    assert ecs.list_tags_for_resource(resourceArn=arn)["tags"] == [{"key": "b", "value": "2"}]
    with pytest.raises(ClientError) as raised:
        ecs.tag_resource(resourceArn=arn, tags=[{"key": "aws:x", "value": "1"}])
    assert _error(raised)[0] == "InvalidParameterException"


def test_this_host_is_the_one_container_instance(ecs: Any) -> None:
    [arn] = ecs.list_container_instances()["containerInstanceArns"]
    assert ":container-instance/default/" in arn
    described = ecs.describe_container_instances(containerInstances=[arn, "absent"])
    [found] = described["containerInstances"]
    assert found["ec2InstanceId"].startswith("i-")
    assert found["status"] == "ACTIVE"
    assert [failure["reason"] for failure in described["failures"]] == ["MISSING"]
    assert ecs.list_container_instances(status="DRAINING")["containerInstanceArns"] == []
