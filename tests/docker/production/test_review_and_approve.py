"""Production, reviewed and approved, as a user drives and watches it: git, the `aws` CLI, HTTP at
both stacks' URLs, Docker, and the server's records of what it executed."""

import secrets
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.delivery import action_states, commit_files, executions, push, wait_for_execution
from tests.deployment import (
    STACK,
    Delivery,
    events,
    outputs,
    read_json,
    service_containers,
    stack,
    wait_for_stack,
)
from tests.load import Load
from tests.production import (
    PRODUCTION,
    STAGE,
    Waiting,
    add_stage,
    decide,
    executed_plans,
    start,
    wait_for_approval,
    waiting,
)
from tests.server_process import ServerProcess

ROOT = "arn:aws:iam::123456789012:root"

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def delivery(server: ServerProcess, tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    """The example with the stage Production added by hand; its first release has reached Dev."""
    directory = tmp_path_factory.mktemp("trees")
    delivery = Delivery.begin(server, directory)
    first = wait_for_execution(server, STACK, seconds=600)
    if first["status"] != "Succeeded":
        raise AssertionError(f"{action_states(server, STACK)}\n{server.log()[-4000:]}")
    add_stage(server, directory)
    assert waiting(server) is None, "update-pipeline starts nothing"
    return delivery


def send(delivery: Delivery, files: dict[str, str], repository: str = "todobackend") -> str:
    """Push a commit with `files`; return the id of the execution that it started."""
    tree = delivery.application if repository == "todobackend" else delivery.deployment
    commit = commit_files(tree, files, f"change {', '.join(files)}")
    push(delivery.server, tree, repository)

    def started() -> str | None:
        for each in executions(delivery.server, STACK):
            if commit in {r.get("revisionId") for r in each.get("sourceRevisions", [])}:
                return str(each["pipelineExecutionId"])
        return None

    return str(until(started))


def until(reached: Callable[[], Any], seconds: float = 180) -> Any:
    """Wait until it is true; return its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := reached():
            return found
        time.sleep(0.25)
    raise AssertionError(f"{reached} was not true within {seconds} s")


def status_of(server: ServerProcess, execution_id: str) -> str:
    """The execution's status."""
    answer = server.client("codepipeline").get_pipeline_execution(
        pipelineName=STACK, pipelineExecutionId=execution_id
    )
    return str(answer["pipelineExecution"]["status"])


def ended(server: ServerProcess, execution_id: str) -> str:
    """The status that the execution ends with."""
    running = {"InProgress", "Stopping"}

    def over() -> str | None:
        status = status_of(server, execution_id)
        return None if status in running else status

    return str(until(over))


def nonce(server: ServerProcess, name: str) -> str:
    """What the stack answers at its URL."""
    return str(read_json(outputs(server, name)["PublicURL"] + "version")["nonce"])


def tasks(server: ServerProcess, cluster: str) -> list[dict[str, Any]]:
    """The cluster's running tasks, as ECS describes them."""
    ecs = server.client("ecs")
    arns = ecs.list_tasks(cluster=cluster)["taskArns"]
    return list(ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"]) if arns else []


def running_digests(server: ServerProcess, cluster: str) -> set[str]:
    """The digests of the images that the cluster's containers run, as the engine knows them."""
    found = set()
    for task in tasks(server, cluster):
        for container in task["containers"]:
            image = inspect("container", container["runtimeId"], "{{.Image}}")
            repositories = inspect("image", image, '{{join .RepoDigests " "}}').split()
            found |= {digest.rpartition("@")[2] for digest in repositories}
    return found


def inspect(kind: str, name: str, form: str) -> str:
    """`docker inspect`."""
    return subprocess.run(
        ["docker", kind, "inspect", "--format", form, name],
        capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


def containers(server: ServerProcess, cluster: str) -> set[str]:
    """Engine ids of the cluster's running containers; each is known to Docker."""
    found = {c["runtimeId"] for task in tasks(server, cluster) for c in task["containers"]}
    assert found <= set(service_containers(server))
    return found


def changes(asked: Waiting) -> dict[str, dict[str, Any]]:
    """What the approver is shown: logical id → ResourceChange, of the one change set."""
    (change_set,) = asked.review.change_sets
    assert (change_set.stack_name, change_set.digest) == (PRODUCTION, asked.digest)
    found = [each["ResourceChange"] for each in change_set.changes]
    return {each["LogicalResourceId"]: each for each in found}


def executes_what_was_approved(server: ServerProcess, asked: Waiting, execution_id: str) -> None:
    """Approve; the execution succeeds, and the plan that ran is the one that was shown."""
    decide(server, asked, "Approved", "looks right")
    assert ended(server, execution_id) == "Succeeded", (
        action_states(server, STACK), events(server, PRODUCTION),
    )  # fmt: skip
    plans = executed_plans(server, stack(server, PRODUCTION)["StackId"])
    assert plans[-1].digest == asked.digest
    assert len({plan.digest for plan in plans}) == len(plans)


def test_rejecting_the_very_first_release_makes_nothing(delivery: Delivery) -> None:
    server, mark = delivery.server, secrets.token_hex(16)
    running = set(service_containers(server))
    execution = send(delivery, {"NONCE": mark + "\n"})
    asked = wait_for_approval(server, execution)
    assert nonce(server, STACK) == mark
    running = containers(server, STACK)
    assert {each["Action"] for each in changes(asked).values()} == {"Add"}
    assert {"LoadBalancer", "Service", "TaskDefinition"} <= set(changes(asked))
    assert stack(server, PRODUCTION)["StackStatus"] == "REVIEW_IN_PROGRESS"

    decide(server, asked, "Rejected", "not today")
    assert ended(server, execution) == "Failed"
    assert stack(server, PRODUCTION)["StackStatus"] == "REVIEW_IN_PROGRESS"
    assert set(service_containers(server)) == running
    failed = action_states(server, STACK)["Approve"]
    assert failed["status"] == "Failed"
    assert (failed["summary"], failed["lastUpdatedBy"]) == ("not today", ROOT)
    assert "not today" in server.penstock("history", STACK).stdout


def test_approving_brings_to_production_what_development_ran(delivery: Delivery) -> None:
    server = delivery.server
    execution = start(server)
    asked = wait_for_approval(server, execution)
    assert {each["Action"] for each in changes(asked).values()} == {"Add"}
    executes_what_was_approved(server, asked, execution)
    assert nonce(server, PRODUCTION) == nonce(server, STACK)
    assert running_digests(server, PRODUCTION) == running_digests(server, STACK)
    assert len(tasks(server, PRODUCTION)) == 2, "prod.json wants two"
    assert outputs(server)["PublicURL"] != outputs(server, PRODUCTION)["PublicURL"]


def test_a_release_without_a_change_succeeds_and_changes_nothing(delivery: Delivery) -> None:
    server = delivery.server
    before = containers(server, PRODUCTION)
    updated = stack(server, PRODUCTION).get("LastUpdatedTime")
    execution = start(server)
    asked = wait_for_approval(server, execution)
    assert asked.review.change_sets == () or asked.review.change_sets[0].empty
    decide(server, asked, "Approved")
    assert ended(server, execution) == "Succeeded", action_states(server, STACK)
    assert containers(server, PRODUCTION) == before
    assert stack(server, PRODUCTION).get("LastUpdatedTime") == updated


def test_the_newest_that_passed_development_is_what_production_takes(delivery: Delivery) -> None:
    """One waits for approval, two more pass Dev: the stage is locked, the first of them overtaken.
    The first is rejected and production untouched; the newest is approved, under load."""
    server, marks = delivery.server, [secrets.token_hex(16) for _ in range(3)]
    old, before = nonce(server, PRODUCTION), containers(server, PRODUCTION)
    first = send(delivery, {"NONCE": marks[0] + "\n"})
    asked = wait_for_approval(server, first)
    assert nonce(server, STACK) == marks[0]
    assert nonce(server, PRODUCTION) == old
    shown = changes(asked)
    assert set(shown) == {"TaskDefinition", "Service"}, "a few lines"
    assert shown["TaskDefinition"]["Replacement"] == "True"
    assert shown["Service"]["Replacement"] == "False"

    overtaken = send(delivery, {"NONCE": marks[1] + "\n"})
    until(lambda: nonce(server, STACK) == marks[1])
    newest = send(delivery, {"NONCE": marks[2] + "\n"})
    assert ended(server, overtaken) == "Superseded"
    assert nonce(server, STACK) == marks[2]
    still = waiting(server)
    assert still is not None
    assert (still.id, still.token) == (asked.id, asked.token), "the stage is locked"
    state = server.client("codepipeline").get_pipeline_state(name=STACK)
    production = next(s for s in state["stageStates"] if s["stageName"] == STAGE)
    assert production["inboundExecution"]["pipelineExecutionId"] == newest

    decide(server, asked, "Rejected", "the second is better")
    assert ended(server, first) == "Failed"
    asked = wait_for_approval(server, newest)
    assert (nonce(server, PRODUCTION), containers(server, PRODUCTION)) == (old, before)
    url = outputs(server, PRODUCTION)["PublicURL"] + "version"
    with Load(url, "nonce", pause_seconds=0.005) as load:
        load.wait_for(100, 30)
        executes_what_was_approved(server, asked, newest)
        load.wait_for(load.requests + 200, 30)
    assert load.failures == []
    assert set(load.answers) == {old, marks[2]}
    assert not before & containers(server, PRODUCTION)
    assert running_digests(server, PRODUCTION) == running_digests(server, STACK)


def test_a_stack_changed_by_hand_after_the_review_is_not_touched(delivery: Delivery) -> None:
    """The approved change set is refused and said why; a retry asks again, about what is now."""
    server, mark = delivery.server, secrets.token_hex(16)
    execution = send(delivery, {"NONCE": mark + "\n"})
    asked = wait_for_approval(server, execution)
    deployed = server.client("cloudformation").describe_stacks(StackName=PRODUCTION)["Stacks"][0]
    given = [
        {"ParameterKey": p["ParameterKey"], "ParameterValue": "14"}
        if p["ParameterKey"] == "LogRetentionDays"
        else {"ParameterKey": p["ParameterKey"], "UsePreviousValue": True}
        for p in deployed["Parameters"]
    ]
    server.client("cloudformation").update_stack(
        StackName=PRODUCTION, UsePreviousTemplate=True, Parameters=given,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )  # fmt: skip
    wait_for_stack(server, PRODUCTION, "UPDATE_COMPLETE")
    before, plans = containers(server, PRODUCTION), executed_plans(server, deployed["StackId"])
    decide(server, asked, "Approved")
    assert ended(server, execution) == "Failed"
    said = action_states(server, STACK)["Execute"]["errorDetails"]["message"]
    assert asked.digest is not None
    assert "OBSOLETE" in said
    assert asked.digest in said
    assert containers(server, PRODUCTION) == before
    assert len(executed_plans(server, deployed["StackId"])) == len(plans)

    server.aws(
        "codepipeline", "retry-stage-execution", "--pipeline-name", STACK, "--stage-name", STAGE,
        "--pipeline-execution-id", execution, "--retry-mode", "FAILED_ACTIONS",
    )  # fmt: skip
    again = wait_for_approval(server, execution, after=asked.id)
    assert again.token != asked.token
    assert again.digest != asked.digest
    assert "Logs" in changes(again), "what was set by hand is set back, and the approver sees it"
    refused = decide(server, asked, "Approved", check=False)
    assert refused.returncode != 0
    assert "ApprovalAlreadyCompletedException" in refused.stderr, "that question was answered"
    executes_what_was_approved(server, again, execution)
    assert nonce(server, PRODUCTION) == mark == nonce(server, STACK)


def test_production_alone_is_deleted_and_released_again(delivery: Delivery) -> None:
    server = delivery.server
    server.aws("cloudformation", "delete-stack", "--stack-name", PRODUCTION)
    server.aws("cloudformation", "wait", "stack-delete-complete", "--stack-name", PRODUCTION)
    assert set(service_containers(server)) == containers(server, STACK)
    execution = start(server)
    asked = wait_for_approval(server, execution)
    assert {each["Action"] for each in changes(asked).values()} == {"Add"}
    executes_what_was_approved(server, asked, execution)
    assert nonce(server, PRODUCTION) == nonce(server, STACK)


def test_an_abandoned_release_leaves_production_and_frees_the_stage(delivery: Delivery) -> None:
    server = delivery.server
    before, old = containers(server, PRODUCTION), nonce(server, PRODUCTION)
    execution = send(delivery, {"NONCE": secrets.token_hex(16) + "\n"})
    asked = wait_for_approval(server, execution)
    server.aws(
        "codepipeline", "stop-pipeline-execution", "--pipeline-name", STACK,
        "--pipeline-execution-id", execution, "--abandon", "--reason", "never mind",
    )  # fmt: skip
    assert ended(server, execution) == "Stopped"
    refused = decide(server, asked, "Approved", check=False)
    assert refused.returncode != 0
    assert (containers(server, PRODUCTION), nonce(server, PRODUCTION)) == (before, old)
    following = start(server)
    asked = wait_for_approval(server, following)
    executes_what_was_approved(server, asked, following)
    assert nonce(server, PRODUCTION) == nonce(server, STACK) != old
