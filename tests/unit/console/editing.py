"""A pipeline that edit pages are asked for, and a person who presses their buttons."""

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from tests.console_world import Answer, World

PATH = "/console/pipelines/app/edit"
ROLE = "arn:aws:iam::123456789012:role/pipeline"
_FIELD = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


def action(name: str, category: str, provider: str, **more: Any) -> dict[str, Any]:
    type_id = {"category": category, "owner": "AWS", "provider": provider, "version": "1"}
    return {"name": name, "actionTypeId": type_id, "runOrder": 1, "configuration": {}, **more}


def source(name: str = "App") -> dict[str, Any]:
    return action(
        name, "Source", "CodeCommit",
        configuration={"RepositoryName": "app", "BranchName": "main"},
        outputArtifacts=[{"name": name}],
    )  # fmt: skip


def build(name: str = "Build") -> dict[str, Any]:
    return action(
        name, "Build", "CodeBuild", configuration={"ProjectName": "app"}, namespace="Built",
        inputArtifacts=[{"name": "App"}], outputArtifacts=[{"name": "Built"}], region="us-east-1",
    )  # fmt: skip


def declaration(**changes: Any) -> dict[str, Any]:
    return {
        "name": "app",
        "roleArn": ROLE,
        "artifactStore": {"type": "S3", "location": "artifacts"},
        "stages": [
            {"name": "Source", "actions": [source()]},
            {"name": "Build", "actions": [build()]},
        ],
        "version": 3,
        "pipelineType": "V2",
        "executionMode": "SUPERSEDED",
        **changes,
    }


def serve(world: World, declared: dict[str, Any] | None = None) -> dict[str, Any]:
    """Let the world have the pipeline `app`; return its declaration."""
    found = declared or declaration()
    world.answers |= {
        ("codepipeline", "GetPipeline"): {"pipeline": found, "metadata": {}},
        ("codepipeline", "UpdatePipeline"): {"pipeline": {**found, "version": 4}},
        ("codepipeline", "ListPipelineExecutions"): {"pipelineExecutionSummaries": []},
        ("codepipeline", "GetPipelineState"): {"stageStates": []},
    }
    return found


@dataclass
class Editor:
    """Somebody at the edit page: sends what its form holds, and a button."""

    world: World
    answer: Answer

    @classmethod
    async def open(cls, world: World) -> "Editor":
        browser = await world.log_in()
        return cls(world, await browser.get(PATH))

    @property
    def text(self) -> str:
        return self.answer.text

    @property
    def hidden(self) -> dict[str, str]:
        """The form's hidden fields."""
        return {name: html.unescape(value) for name, value in _FIELD.findall(self.text)}

    @property
    def draft(self) -> dict[str, Any]:
        """The declaration that the form carries."""
        found: dict[str, Any] = json.loads(self.hidden["draft"])
        return found

    async def press(self, do: str, **fields: str) -> "Editor":
        """Press the button `do`, which must be there."""
        assert f'name="do" value="{do}"' in self.text, f"no button {do}"
        return await self.send(do, fields)

    async def send(self, do: str, fields: dict[str, str]) -> "Editor":
        """Send the form with these fields, whatever buttons there are."""
        sent = {**self.hidden, **fields, "do": do}
        self.answer = await self.world.browser.post(PATH, sent)
        return self

    @property
    def saved(self) -> list[dict[str, Any]]:
        """What was sent to UpdatePipeline."""
        return [call[2]["pipeline"] for call in self.world.calls if call[1] == "UpdatePipeline"]
