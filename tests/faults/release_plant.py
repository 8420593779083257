"""A pipeline with production behind an approval, and a server that dies where it is told to.

Its stack needs no container engine: a parameter, a topic and log groups, counted where the services
keep them. A topic without a name is made anew by every CreateTopic, so a call made twice shows.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.delivery import (
    BUCKET,
    ENDED,
    action_states,
    commit_files,
    create_foundations,
    create_role,
    executions,
    push,
    role_arn,
    source_action,
)
from tests.deployment import events, stack
from tests.faults.mortal_server import MortalServer
from tests.production import STAGE, Waiting, approvals, executed_plans, waiting

NAME = "shop"
PRODUCTION = f"{NAME}-prod"
TEMPLATE: dict[str, Any] = {
    "Parameters": {"Version": {"Type": "String"}},
    "Resources": {
        "Setting": {
            "Type": "AWS::SSM::Parameter",
            "Properties": {"Name": "/shop/version", "Type": "String", "Value": {"Ref": "Version"}},
        },
        "News": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"DisplayName": {"Fn::Sub": "shop ${Version}"}},
        },
        "Logs": {
            "Type": "AWS::Logs::LogGroup",
            "DependsOn": "News",
            "Properties": {"LogGroupName": {"Fn::Sub": "/shop/${Version}"}},
        },
    },
}


def action(name: str, category: str, provider: str, order: int, **more: Any) -> dict[str, Any]:
    """An action of the stage Production."""
    type_id = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": type_id, "runOrder": order, **more}


@dataclass
class ReleasePlant(MortalServer):
    """A server with the pipeline; it may die at any place and is started again."""

    tree: Path
    commit: str = ""
    """The last one made."""

    def build(self) -> None:
        """Have roles, a repository with the template, the approvals' topic, and the pipeline."""
        server = self.server.start()
        create_foundations(server)
        create_role(
            server, "release", "codepipeline.amazonaws.com", "codecommit:*", "s3:*",
            "iam:PassRole", "cloudformation:*", "sns:Publish",
        )  # fmt: skip
        create_role(server, "cloudformation", "cloudformation.amazonaws.com", "*")
        topic = server.client("sns").create_topic(Name="approvals")["TopicArn"]
        server.client("codecommit").create_repository(repositoryName=NAME)
        change_set = {"StackName": PRODUCTION, "ChangeSetName": "release"}
        prepared = {
            **change_set,
            "ActionMode": "CHANGE_SET_REPLACE",
            "TemplatePath": "App::stack.yml",
            "TemplateConfiguration": "App::prod.json",
            "RoleArn": role_arn("cloudformation"),
        }
        server.client("codepipeline").create_pipeline(
            pipeline={
                "name": NAME,
                "roleArn": role_arn("release"),
                "artifactStore": {"type": "S3", "location": BUCKET},
                "stages": [
                    {"name": "Source", "actions": [source_action(NAME, "App")]},
                    {
                        "name": STAGE,
                        "actions": [
                            action(
                                "Prepare", "Deploy", "CloudFormation", 1,
                                configuration=prepared, inputArtifacts=[{"name": "App"}],
                            ),
                            action(
                                "Approve", "Approval", "Manual", 2,
                                configuration={"NotificationArn": topic, "CustomData": "read it"},
                            ),
                            action(
                                "Execute", "Deploy", "CloudFormation", 3,
                                configuration={**change_set, "ActionMode": "CHANGE_SET_EXECUTE"},
                            ),
                        ],
                    },
                ],
            }
        )  # fmt: skip

    def said(self) -> str:
        """How the pipeline and the stack stand."""
        states = json.dumps(action_states(self.server, NAME), default=str)
        return f"{states}\n{events(self.server, PRODUCTION)}"

    def push(self, version: str) -> Callable[[], None]:
        """Commit a version; return what pushes it."""
        self.commit = commit_files(
            self.tree,
            {
                "stack.yml": json.dumps(TEMPLATE),
                "prod.json": json.dumps({"Parameters": {"Version": version}}),
                "marker": str(time.time_ns()),
            },
            version,
        )
        return lambda: push(self.server, self.tree, NAME)

    def execution(self) -> dict[str, Any] | None:
        """The execution of the last commit; never are there two."""
        found = [
            each
            for each in executions(self.server, NAME)
            if self.commit in {r.get("revisionId") for r in each.get("sourceRevisions", [])}
        ]
        assert len(found) <= 1, found
        return found[0] if found else None

    def ended(self) -> bool:
        """Tell whether the execution of the last commit has ended."""
        found = self.execution()
        return found is not None and found["status"] in ENDED

    def asked(self) -> Waiting | None:
        """What waits for approval, of the last commit."""
        found, execution = waiting(self.server, NAME), self.execution()
        if found is None or execution is None:
            return None
        return found if found.execution_id == execution["pipelineExecutionId"] else None

    def ask(self, version: str, crashes: Sequence[str] = ()) -> tuple[Waiting, list[str]]:
        """Push a version until it waits for approval, over these deaths; what was not reached."""
        left = self.survive(
            crashes, self.push(version), lambda: self.ended() or self.asked() is not None
        )
        found = self.asked()
        assert found is not None, self.said()
        return found, left

    def answer(self, asked: Waiting, status: str, crashes: Sequence[str] = ()) -> list[str]:
        """Decide until the execution has ended, over these deaths; return what was not reached."""

        def put() -> None:
            client = self.server.client("codepipeline")
            try:
                client.put_approval_result(
                    pipelineName=NAME, stageName=STAGE, actionName=asked.action,
                    token=asked.token, result={"summary": "seen", "status": status},
                )  # fmt: skip
            except client.exceptions.ApprovalAlreadyCompletedException:
                assert self.deaths, "only an answer that was lost is given twice"

        return self.survive(crashes, put, self.ended)

    def holds(self, version: str) -> None:
        """Check that production is this version, each thing once, as the services keep them."""
        client = self.server.client
        assert stack(self.server, PRODUCTION)["StackStatus"] in {
            "CREATE_COMPLETE", "UPDATE_COMPLETE",
        }  # fmt: skip
        topics = [t["TopicArn"].rpartition(":")[2] for t in client("sns").list_topics()["Topics"]]
        assert len(topics) == 2, topics
        groups = client("logs").describe_log_groups(logGroupNamePrefix="/shop/")["logGroups"]
        assert [group["logGroupName"] for group in groups] == [f"/shop/{version}"]
        setting = client("ssm").get_parameter(Name="/shop/version")["Parameter"]
        assert setting["Value"] == version

    def asked_once(self, asked: Waiting) -> None:
        """Check that the execution asked once."""
        rows = [row for row in approvals(self.server) if row["execution_id"] == asked.execution_id]
        assert [row["token"] for row in rows] == [asked.token]

    def executed_once(self, asked: Waiting) -> None:
        """Check that the approved plan ran, once."""
        plans = executed_plans(self.server, stack(self.server, PRODUCTION)["StackId"])
        assert [plan.digest for plan in plans].count(asked.digest or "") == 1
        assert plans[-1].digest == asked.digest
