"""Create, get, update, list, delete and tag pipelines."""

from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.pipeline_world import build, source


def refused(call: Any, **request: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**request)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_created_pipeline_is_given_back_with_its_defaults(delivery: Any) -> None:
    declaration = delivery.document()
    made = delivery.pipelines.create_pipeline(
        pipeline=declaration, tags=[{"key": "team", "value": "a"}]
    )
    assert made["tags"] == [{"key": "team", "value": "a"}]
    found = delivery.pipelines.get_pipeline(name="pipe")
    assert found["pipeline"] == made["pipeline"]
    assert found["pipeline"]["version"] == 1
    assert found["pipeline"]["stages"][0]["actions"][0]["runOrder"] == 1
    assert found["metadata"]["pipelineArn"] == "arn:aws:codepipeline:us-east-1:123456789012:pipe"
    assert found["metadata"]["created"] == found["metadata"]["updated"]
    [execution] = delivery.executions()
    assert execution["trigger"]["triggerType"] == "CreatePipeline"


def test_a_name_is_used_once(delivery: Any) -> None:
    delivery.create()
    code, message = refused(delivery.pipelines.create_pipeline, pipeline=delivery.document())
    assert code == "PipelineNameInUseException"
    assert message == "A pipeline with the name 'pipe' already exists in account '123456789012'"


def test_bad_structures_are_refused_with_awss_words(delivery: Any) -> None:
    create = delivery.pipelines.create_pipeline
    one_stage = delivery.document({"name": "Source", "actions": [source()]})
    # moto codepipeline/models.py
    assert refused(create, pipeline=one_stage) == (
        "InvalidStructureException",
        "Pipeline has only 1 stage(s). There should be a minimum of 2 stages in a pipeline",
    )
    untrusting = delivery.make_role("other", {"Service": "codebuild.amazonaws.com"})
    assert refused(create, pipeline=delivery.document(roleArn=untrusting)) == (
        "InvalidStructureException",
        f"CodePipeline is not authorized to perform AssumeRole on role {untrusting}",
    )
    missing = delivery.document(
        {"name": "Source", "actions": [source()]},
        {"name": "Build", "actions": [build(configuration={})]},
    )
    # github.com/hashicorp/terraform/issues/26488
    assert refused(create, pipeline=missing) == (
        "InvalidActionDeclarationException",
        "Action configuration for action 'Build' is missing required configuration 'ProjectName'",
    )
    assert delivery.pipelines.list_pipelines()["pipelines"] == []


def test_an_update_makes_the_next_version_and_starts_nothing(delivery: Any) -> None:
    first = delivery.create()
    delivery.end_build(delivery.building())
    assert delivery.until_ended(first) == "Succeeded"
    changed = delivery.document(
        {"name": "Source", "actions": [source()]},
        {"name": "Build", "actions": [build("Renamed")]},
    )
    updated = delivery.pipelines.update_pipeline(pipeline=changed)["pipeline"]
    assert updated["version"] == 2
    assert delivery.pipelines.get_pipeline(name="pipe")["pipeline"] == updated
    older = delivery.pipelines.get_pipeline(name="pipe", version=1)["pipeline"]
    assert older["stages"][1]["actions"][0]["name"] == "Build"
    assert len(delivery.executions()) == 1
    code, _ = refused(delivery.pipelines.get_pipeline, name="pipe", version=3)
    assert code == "PipelineVersionNotFoundException"
    other = delivery.document(name="other")
    code, _ = refused(delivery.pipelines.update_pipeline, pipeline=other)
    assert code == "ResourceNotFoundException"


def test_an_update_is_checked_like_a_creation(delivery: Any) -> None:
    delivery.create()
    bad = delivery.document({"name": "Source", "actions": [source()]})
    code, _ = refused(delivery.pipelines.update_pipeline, pipeline=bad)
    assert code == "InvalidStructureException"
    assert delivery.pipelines.get_pipeline(name="pipe")["pipeline"]["version"] == 1


def test_pipelines_are_listed_in_pages(delivery: Any) -> None:
    names = [f"pipe-{number}" for number in range(5)]
    for name in names:
        delivery.create(delivery.document(name=name))
    pages = delivery.pipelines.get_paginator("list_pipelines").paginate(
        PaginationConfig={"PageSize": 2}
    )
    shown = [[one["name"] for one in page["pipelines"]] for page in pages]
    assert shown == [names[:2], names[2:4], names[4:]]
    [summary] = delivery.pipelines.list_pipelines(maxResults=1)["pipelines"]
    assert (summary["version"], summary["pipelineType"], summary["executionMode"]) == (
        1, "V1", "SUPERSEDED",
    )  # fmt: skip
    code, _ = refused(delivery.pipelines.list_pipelines, nextToken="nonsense")
    assert code == "InvalidNextTokenException"


def test_deleting_removes_all_and_may_be_repeated(delivery: Any) -> None:
    delivery.create()
    delivery.pipelines.delete_pipeline(name="pipe")
    delivery.pipelines.delete_pipeline(name="pipe")
    assert refused(delivery.pipelines.get_pipeline, name="pipe") == (
        "PipelineNotFoundException",
        "Account '123456789012' does not have a pipeline with name 'pipe'",
    )
    delivery.create()
    assert len(delivery.executions()) == 1, "a new pipeline of that name has no history"


def test_tags_are_kept(delivery: Any) -> None:
    delivery.create(tags=[{"key": "a", "value": "1"}])
    place = "arn:aws:codepipeline:us-east-1:123456789012:pipe"
    delivery.pipelines.tag_resource(
        resourceArn=place, tags=[{"key": "a", "value": "2"}, {"key": "b", "value": "3"}]
    )
    delivery.pipelines.untag_resource(resourceArn=place, tagKeys=["a", "nothing"])
    shown = delivery.pipelines.list_tags_for_resource(resourceArn=place)
    assert shown["tags"] == [{"key": "b", "value": "3"}]
    many = [{"key": f"k{number}", "value": ""} for number in range(50)]
    code, _ = refused(delivery.pipelines.tag_resource, resourceArn=place, tags=many)
    assert code == "TooManyTagsException"
    code, _ = refused(delivery.pipelines.list_tags_for_resource, resourceArn=f"{place}-gone")
    assert code == "ResourceNotFoundException"
    code, _ = refused(
        delivery.pipelines.tag_resource, resourceArn=place, tags=[{"key": "aws:x", "value": "1"}]
    )
    assert code == "InvalidTagsException"
    elsewhere = "arn:aws:codebuild:us-east-1:123456789012:project/b"
    for call, more in (
        (delivery.pipelines.list_tags_for_resource, {}),
        (delivery.pipelines.tag_resource, {"tags": [{"key": "b", "value": "4"}]}),
        (delivery.pipelines.untag_resource, {"tagKeys": ["b"]}),
    ):
        code, _ = refused(call, resourceArn=elsewhere, **more)
        assert code == "ValidationException", "the model's pattern of a resource's ARN"
    assert delivery.pipelines.list_tags_for_resource(resourceArn=place)["tags"] == shown["tags"]


def test_action_types_are_those_that_run_here(delivery: Any) -> None:
    found = delivery.pipelines.list_action_types(actionOwnerFilter="AWS")["actionTypes"]
    shown = {(one["id"]["category"], one["id"]["provider"]) for one in found}
    assert shown == {
        ("Source", "CodeCommit"),
        ("Source", "CodeStarSourceConnection"),
        ("Source", "S3"),
        ("Build", "CodeBuild"),
        ("Test", "CodeBuild"),
        ("Deploy", "CloudFormation"),
        ("Approval", "Manual"),
    }
    assert delivery.pipelines.list_action_types(actionOwnerFilter="Custom")["actionTypes"] == []


def test_what_is_not_there_says_so(delivery: Any) -> None:
    code, message = refused(delivery.pipelines.list_webhooks)
    assert "ListWebhooks" in message, code
