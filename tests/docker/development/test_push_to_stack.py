"""From a push to a running development stack, as a user drives and watches it: git, the `aws`
CLI, HTTP at the stack's PublicURL, and Docker."""

import json
import re
import secrets
import subprocess
import urllib.request

import pytest

from tests.delivery import action_states, wait_for_execution
from tests.deployment import (
    PIPELINE_STACK,
    STACK,
    Delivery,
    events,
    outputs,
    read_json,
    resources,
    service_containers,
    stack,
    wait_for_stack,
)
from tests.load import Load
from tests.published_image import PublishedImages
from tests.server_process import ServerProcess

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]

REQUESTS = 10_000


@pytest.fixture(scope="module")
def delivery(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    delivery = Delivery.begin(server, tmp_path_factory.mktemp("trees"))
    first = wait_for_execution(server, STACK, seconds=600)
    if first["status"] != "Succeeded":
        said = action_states(server, STACK)
        raise AssertionError(f"{said}\n{server.penstock('logs').stdout}\n{server.log()[-4000:]}")
    return delivery


def running_digests(server: ServerProcess) -> set[str]:
    """The digests of the images that tasks run, as the engine knows them."""
    found = set()
    for container in service_containers(server):
        image = subprocess.run(
            ["docker", "inspect", "--format", "{{.Image}}", container],
            capture_output=True, text=True, check=True,
        ).stdout.strip()  # fmt: skip
        digests = subprocess.run(
            ["docker", "image", "inspect", "--format", "{{join .RepoDigests \" \"}}", image],
            capture_output=True, text=True, check=True,
        ).stdout.split()  # fmt: skip
        found |= {digest.rpartition("@")[2] for digest in digests}
    return found


def test_the_development_url_answers_with_the_nonce_just_pushed(delivery: Delivery) -> None:
    nonce = secrets.token_hex(16)
    _, execution = delivery.release({"NONCE": nonce + "\n"})
    assert execution["status"] == "Succeeded", action_states(delivery.server, STACK)
    running = delivery.version()
    assert running["nonce"] == nonce

    server, tag = delivery.server, outputs(delivery.server)["Version"]
    assert tag.startswith(running["version"])
    published = PublishedImages(server, "todobackend").digest(tag)
    described = server.aws(
        "ecr", "describe-images", "--repository-name", "todobackend",
        "--image-ids", f"imageTag={tag}",
    )["imageDetails"]  # fmt: skip
    assert [image["imageDigest"] for image in described] == [published]
    assert published in running_digests(server)
    ecs = server.client("ecs")
    (arn,) = ecs.list_tasks(cluster=STACK)["taskArns"]
    (task,) = ecs.describe_tasks(cluster=STACK, tasks=[arn])["tasks"]
    assert task["containers"][0]["imageDigest"] == published
    assert task["containers"][0]["healthStatus"] == "HEALTHY"


def test_stack_outputs_are_the_actions_variables(delivery: Delivery) -> None:
    actions = delivery.server.client("codepipeline").list_action_executions(pipelineName=STACK)
    deploy = next(a for a in actions["actionExecutionDetails"] if a["actionName"] == "Deploy")
    assert deploy["output"]["outputVariables"] == outputs(delivery.server)
    assert (
        deploy["output"]["executionResult"]["externalExecutionId"]
        == (stack(delivery.server)["StackId"])
    )


def test_a_second_push_replaces_it_under_load_and_no_request_fails(delivery: Delivery) -> None:
    before_nonce = delivery.version()["nonce"]
    before = set(service_containers(delivery.server))
    nonce = secrets.token_hex(16)
    url = outputs(delivery.server)["PublicURL"] + "version"
    with Load(url, "nonce", pause_seconds=0.002) as load:
        _, execution = delivery.release({"NONCE": nonce + "\n"})
        assert execution["status"] == "Succeeded", action_states(delivery.server, STACK)
        seen = load.answers[nonce]
        load.wait_for(max(REQUESTS, load.requests + 500), seconds=300)
    assert load.failures == []
    assert load.requests >= REQUESTS
    assert set(load.answers) == {before_nonce, nonce}
    assert load.answers[nonce] > seen
    after = set(service_containers(delivery.server))
    assert before
    assert after
    assert not before & after


def test_a_change_in_the_deployment_repository_reaches_the_stack(delivery: Delivery) -> None:
    text = (delivery.deployment / "dev.json").read_text()
    changed = text.replace('"LogRetentionDays": "3"', '"LogRetentionDays": "5"')
    assert changed != text
    containers = set(service_containers(delivery.server))
    _, execution = delivery.release({"dev.json": changed}, repository="todobackend-aws")
    assert execution["status"] == "Succeeded", action_states(delivery.server, STACK)
    group = delivery.server.client("logs").describe_log_groups(logGroupNamePrefix=f"/{STACK}")
    assert group["logGroups"][0]["retentionInDays"] == 5
    if outputs(delivery.server)["Version"]:  # the same commit is built to the same tag
        assert set(service_containers(delivery.server)) == containers


def test_the_log_of_the_task_is_in_its_group(delivery: Delivery) -> None:
    logs = delivery.server.client("logs")
    found = logs.filter_log_events(logGroupName=f"/{STACK}")["events"]
    assert any("todobackend" in event["message"] for event in found)
    assert all(event["logStreamName"].startswith("app/app/") for event in found)


def test_a_second_stack_of_the_template_lives_beside_it(delivery: Delivery) -> None:
    """Every name comes from the stack's; each has its own address, and both have port 80."""
    server, name = delivery.server, f"{STACK}-prod"
    before = set(service_containers(server))
    given = json.loads((delivery.deployment / "prod.json").read_text())["Parameters"]
    given["Version"] = outputs(server)["Version"]
    server.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=(delivery.deployment / "stack.yml").read_text(),
        Capabilities=["CAPABILITY_NAMED_IAM"],
        Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in given.items()],
    )
    wait_for_stack(server, name, "CREATE_COMPLETE")
    urls = {outputs(server, each)["PublicURL"] for each in (STACK, name)}
    assert len(urls) == 2
    assert all(re.fullmatch(r"http://127\.\d+\.\d+\.\d+/", url) for url in urls), urls
    nonces = {read_json(f"{url}version")["nonce"] for url in urls}
    assert nonces == {delivery.version()["nonce"]}
    assert len(set(service_containers(server)) - before) == 2, "prod.json wants two tasks"

    added = urllib.request.Request(
        f"{outputs(server, name)['PublicURL']}todos",
        data=b'{"title": "in production"}',
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(added, timeout=10) as answer:
        assert answer.status == 201
    assert read_json(f"{outputs(server)['PublicURL']}todos") == [], "each has its own database"
    server.aws("cloudformation", "delete-stack", "--stack-name", name)
    server.aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", name)
    assert set(service_containers(server)) == before
    assert delivery.version()["nonce"] in nonces


def test_a_version_whose_health_check_fails_is_rolled_back(delivery: Delivery) -> None:
    """The old version never stops answering; the stack says what happened in AWS's events."""
    old = delivery.version()["nonce"]
    url = outputs(delivery.server)["PublicURL"] + "version"
    stack_yml = (delivery.deployment / "stack.yml").read_text()
    broken = stack_yml.replace(
        "[CMD, python3, /app/todobackend.pyz, health]", "[CMD, python3, -c, exit(1)]"
    )
    assert broken != stack_yml
    with Load(url, "nonce", clients=2, pause_seconds=0.01) as load:
        _, execution = delivery.release({"stack.yml": broken}, repository="todobackend-aws")
    assert execution["status"] == "Failed"
    assert load.failures == []
    assert set(load.answers) == {old}
    ended = wait_for_stack(delivery.server, STACK, "UPDATE_ROLLBACK_COMPLETE")
    assert ended["StackStatus"] == "UPDATE_ROLLBACK_COMPLETE"
    said = events(delivery.server)
    assert "Service UPDATE_FAILED" in said
    assert "ECS Deployment Circuit Breaker was triggered" in said
    assert "The following resource(s) failed to update: [Service]" in said
    failed = action_states(delivery.server, STACK)["Deploy"]
    assert failed["status"] == "Failed"
    assert "UPDATE_ROLLBACK_COMPLETE" in failed["errorDetails"]["message"]
    assert delivery.version()["nonce"] == old

    _, execution = delivery.release({"stack.yml": stack_yml}, repository="todobackend-aws")
    assert execution["status"] == "Succeeded", action_states(delivery.server, STACK)


def test_each_resource_says_what_stands_behind_it(delivery: Delivery) -> None:
    said = events(delivery.server)
    assert "recorded only" not in said
    assert {r["ResourceStatus"] for r in resources(delivery.server).values()} <= {
        "CREATE_COMPLETE",
        "UPDATE_COMPLETE",
    }


def test_teardown_leaves_nothing_but_the_database_volume(delivery: Delivery) -> None:
    server = delivery.server
    url = outputs(server)["PublicURL"]
    server.aws("cloudformation", "delete-stack", "--stack-name", STACK)
    server.aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", STACK)
    assert service_containers(server) == {}
    helpers = {"registry", "mirror"}
    containers = server.engine_objects(["container"])
    assert {name.rpartition("-")[2] for name in containers} <= helpers, containers
    volumes = {name for name in server.engine_objects(["volume"]) if "todobackend-data" in name}
    assert len(volumes) == 1, "the to-do items survive until somebody names their volume"
    with pytest.raises(OSError):
        read_json(url + "version")
    told = subprocess.run(  # without --data-dir: the server of AWS_ENDPOINT_URL is asked
        [*server.command, "volume", "list"], env=server.environment,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    listed = server.penstock("volume", "list").stdout
    assert told == listed
    assert "todobackend-data" in listed
    server.penstock("volume", "remove", "todobackend-data")
    assert not {n for n in server.engine_objects(["volume"]) if "todobackend-data" in n}
    server.aws("cloudformation", "delete-stack", "--stack-name", PIPELINE_STACK)
    server.aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", PIPELINE_STACK)
    assert server.client("codepipeline").list_pipelines()["pipelines"] == []
    assert server.client("ecr").describe_repositories()["repositories"] == []
