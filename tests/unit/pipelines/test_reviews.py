"""What an approver is shown, compiled from pipelines, repositories and stacks as they are."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from tests.pipeline_world import document, source
from tests.stack_world import ACCOUNT, ROOT, template, thing
from tests.stack_world import World as StackWorld

from penstock.ids import derived_uuid
from penstock.pipelines.review import FIRST_RELEASE, Review, decode, encode
from penstock.pipelines.reviews import Reviews
from penstock.pipelines.structure import normalise
from penstock.repositories.hosting import Repositories
from penstock.repositories.repository import Repository
from penstock.stacks.change_sets.change_sets import ChangeSets
from penstock.storage import action_executions, pipeline_executions, pipelines
from penstock.storage.encryption import Cipher
from penstock.storage.pipeline_executions import ExecutionRow
from penstock.storage.pipelines import PipelineRow

PIPELINE = derived_uuid("pipe")
AUTHOR = "Ada <ada@example.com> 1714564800 +0000"


def cloudformation(name: str, mode: str, order: int, change_set: str = "release") -> dict[str, Any]:
    return {
        "name": name,
        "actionTypeId": {
            "category": "Deploy",
            "owner": "AWS",
            "provider": "CloudFormation",
            "version": "1",
        },
        "runOrder": order,
        "configuration": {
            "ActionMode": mode,
            "StackName": "#{variables.Stack}",
            "ChangeSetName": change_set,
        },
    }


APPROVAL = {
    "name": "Approve",
    "actionTypeId": {"category": "Approval", "owner": "AWS", "provider": "Manual", "version": "1"},
    "runOrder": 2,
    "configuration": {},
}
REMOTE = source("Remote", "RemoteSource")
REMOTE["actionTypeId"] = {
    "category": "Source",
    "owner": "AWS",
    "provider": "CodeStarSourceConnection",
    "version": "1",
}
REMOTE["configuration"] = {
    "ConnectionArn": "arn:c",
    "FullRepositoryId": "me/lib",
    "BranchName": "main",
}
DOCUMENT = document(
    {"name": "Source", "actions": [source(), REMOTE]},
    {
        "name": "Production",
        "actions": [
            cloudformation("Propose", "CHANGE_SET_REPLACE", 1),
            APPROVAL,
            cloudformation("Execute", "CHANGE_SET_EXECUTE", 3),
        ],
    },
    variables=[{"name": "Stack"}],
)


@dataclass
class Plant:
    """Rows as the engine writes them, real repositories, real stacks."""

    stacks: StackWorld
    repositories: Repositories
    change_sets: ChangeSets
    reviews: Reviews

    async def commit(self, repository: Repository, message: str, *parents: str) -> str:
        async def put(*arguments: str, content: bytes) -> str:
            found = await self.repositories.run(repository, *arguments, input=content)
            return found.decode().strip()

        tree = await put("mktree", content=b"")
        lines = [f"tree {tree}", *(f"parent {parent}" for parent in parents)]
        lines += [f"author {AUTHOR}", f"committer {AUTHOR}", "", f"{message}\n"]
        text = "\n".join(lines).encode()
        return await put("hash-object", "-w", "-t", "commit", "--stdin", content=text)

    async def create_pipeline(self, given: dict[str, Any] = DOCUMENT) -> None:
        now = self.stacks.clock()
        row = PipelineRow("pipe", PIPELINE, "arn:pipe", 1, normalise(given, 1), {}, 0, now, now)
        await self.stacks.database.write(lambda c: pipelines.insert(c, row, []))

    async def execution(self, number: int, **revisions: str) -> str:
        """An execution that entered Production with these revisions, by action's name."""
        now, id_ = self.stacks.clock(), derived_uuid("execution", str(number))
        row = ExecutionRow(
            id=id_, pipeline_id=PIPELINE, number=number, pipeline_version=1,
            execution_mode="SUPERSEDED", status="InProgress", status_summary="",
            trigger_type="StartPipelineExecution", trigger_detail="",
            variables={"Stack": "app"}, source_overrides={},
            source_revisions=[
                {"actionName": name, "revisionId": id, "revisionSummary": "words"}
                for name, id in revisions.items()
            ],
            artifact_revisions=[], stop_reason=None, abandon=False, request_token=None,
            started_at=now, updated_at=now,
        )  # fmt: skip

        def work(connection: sa.Connection) -> None:
            pipeline_executions.insert(connection, row)
            pipeline_executions.arrive(connection, row, "Production", now)

        await self.stacks.database.write(work)
        return id_

    async def succeed_stage(self, execution_id: str) -> None:
        now = self.stacks.clock()
        await self.stacks.database.write(
            lambda c: pipeline_executions.move_stage(
                c, execution_id, "Production", ["Inbound"], "Succeeded", now
            )
        )

    async def action(
        self, execution_id: str, declared: dict[str, Any], status: str, **configuration: str
    ) -> str:
        now, id_ = self.stacks.clock(), derived_uuid(execution_id, declared["name"])
        resolved = {**declared["configuration"], "StackName": "app", **configuration}

        def work(connection: sa.Connection) -> None:
            action_executions.insert(
                connection, id=id_, pipeline_id=PIPELINE, pipeline_name="pipe",
                execution_id=execution_id, pipeline_version=1, stage_name="Production",
                action_name=declared["name"], attempt=1, started_at=now, updated_at=now,
                input={
                    "actionTypeId": declared["actionTypeId"], "namespace": None,
                    "resolvedConfiguration": resolved,
                },
            )  # fmt: skip
            if status != "InProgress":
                action_executions.finish(connection, id_, status, now)

        await self.stacks.database.write(work)
        return id_

    async def propose(self, execution_id: str, value: str = "v1") -> str:
        """Make the change set as the execution's action Propose does; return its digest."""
        made = await self.change_sets.create(
            ROOT,
            {
                "ClientToken": derived_uuid(execution_id, "Propose"),
                "StackName": "app",
                "ChangeSetName": "release",
                "ChangeSetType": "CREATE",
                "TemplateBody": template({"A": thing(value)}),
            },
        )
        assert made.row.digest is not None
        return made.row.digest

    async def review(self, execution_id: str) -> Review:
        """The review of the execution's approval, as it is read back from where it is stored."""
        asked = await self.action(execution_id, APPROVAL, "InProgress")
        return decode(encode(await self.reviews.compile(action_execution_id=asked)))


@pytest.fixture
async def plant(tmp_path: Path) -> AsyncIterator[Plant]:
    stacks = StackWorld(tmp_path)
    await stacks.start()
    repositories = Repositories(
        stacks.database, tmp_path / "git", stacks.clock, account_id=ACCOUNT, region="us-east-1"
    )
    await repositories.start()
    cipher = Cipher.open(tmp_path / "key")
    change_sets = ChangeSets(
        stacks.database, cipher, stacks.stacks, stacks.stacks.in_process, stacks.clock
    )
    reviews = Reviews(stacks.database, repositories, lambda: change_sets)
    yield Plant(stacks, repositories, change_sets, reviews)
    await repositories.close()
    await stacks.close()


async def test_the_first_release_shows_its_newest_commits_and_all_that_is_added(
    plant: Plant,
) -> None:
    repository = await plant.repositories.create("app", None, {})
    commits: list[str] = []
    for number in range(12):
        commits.append(await plant.commit(repository, f"Change {number}", *commits[-1:]))
    await plant.create_pipeline()
    execution = await plant.execution(1, App=commits[-1], Remote="1" * 40)
    digest = await plant.propose(execution)
    await plant.action(execution, DOCUMENT["stages"][1]["actions"][0], "Succeeded")
    found = await plant.review(execution)
    app, remote = found.sources
    assert app.note == FIRST_RELEASE
    assert [each.message for each in app.commits] == [f"Change {n}" for n in range(11, 1, -1)]
    assert (app.left_out, app.previous_revision_id) == (2, None)
    assert (remote.repository, remote.revision_id, remote.commits) == ("me/lib", "1" * 40, [])
    assert "CodeStarSourceConnection" in remote.note
    [change_set] = found.change_sets
    assert (change_set.stack_name, change_set.name, change_set.kind) == ("app", "release", "CREATE")
    assert (change_set.action_name, change_set.status) == ("Execute", "AVAILABLE")
    assert change_set.digest == found.digest == digest
    assert [each["ResourceChange"]["LogicalResourceId"] for each in change_set.changes] == ["A"]
    assert (found.notes, found.previous_execution_id) == ([], None)


async def test_commits_since_the_release_that_last_succeeded_in_the_stage(plant: Plant) -> None:
    repository = await plant.repositories.create("app", None, {})
    commits: list[str] = []
    for number in range(4):
        commits.append(await plant.commit(repository, f"Change {number}", *commits[-1:]))
    await plant.create_pipeline()
    released = await plant.execution(1, App=commits[0])
    await plant.succeed_stage(released)
    await plant.execution(2, App=commits[1])  # rejected: it never succeeded in the stage
    execution = await plant.execution(3, App=commits[3])
    found = await plant.review(execution)
    assert found.previous_execution_id == released
    assert found.previous_released_at is not None
    app = found.sources[0]
    assert app.previous_revision_id == commits[0]
    assert [each.id for each in app.commits] == [commits[3], commits[2], commits[1]]
    assert app.note == ""


async def test_a_source_that_stays_says_so(plant: Plant) -> None:
    repository = await plant.repositories.create("app", None, {})
    commit = await plant.commit(repository, "Change")
    await plant.create_pipeline()
    await plant.succeed_stage(await plant.execution(1, App=commit))
    found = await plant.review(await plant.execution(2, App=commit))
    assert found.sources[0].note == "The same revision as in the last release."
    assert found.sources[0].commits == []


async def test_a_release_that_goes_back_says_what_would_be_gone(plant: Plant) -> None:
    repository = await plant.repositories.create("app", None, {})
    old = await plant.commit(repository, "Old")
    new = await plant.commit(repository, "New", old)
    await plant.create_pipeline()
    await plant.succeed_stage(await plant.execution(1, App=new))
    found = await plant.review(await plant.execution(2, App=old))
    assert found.sources[0].note.startswith("1 commit of the last release would be gone")


async def test_a_last_release_that_is_lost_is_said(plant: Plant) -> None:
    repository = await plant.repositories.create("app", None, {})
    commit = await plant.commit(repository, "Change")
    await plant.create_pipeline()
    await plant.succeed_stage(await plant.execution(1, App="2" * 40))
    found = await plant.review(await plant.execution(2, App=commit))
    assert "is not in the repository any more" in found.sources[0].note
    assert [each.message for each in found.sources[0].commits] == ["Change"]


async def test_what_is_missing_becomes_a_note(plant: Plant) -> None:
    await plant.create_pipeline()
    execution = await plant.execution(1, App="3" * 40)
    found = await plant.review(execution)
    assert "cannot be told" in found.sources[0].note
    assert found.sources[1].note == "This execution took no revision of it."
    assert found.change_sets == []
    [note] = found.notes
    assert note.startswith("Execute executes the change set release of app, which no action before")
    assert found.digest is None


async def test_a_change_set_that_was_deleted_becomes_a_note(plant: Plant) -> None:
    await plant.create_pipeline()
    execution = await plant.execution(1)
    await plant.propose(execution)
    await plant.change_sets.delete("release", "app")
    await plant.action(execution, DOCUMENT["stages"][1]["actions"][0], "Succeeded")
    found = await plant.review(execution)
    assert found.change_sets == []
    assert found.notes == [
        "Execute executes the change set release of app: ChangeSet [release] does not exist"
    ]


async def test_a_change_set_that_somebody_replaced_is_shown_and_said(plant: Plant) -> None:
    await plant.create_pipeline()
    execution = await plant.execution(1)
    await plant.propose(execution)
    await plant.action(execution, DOCUMENT["stages"][1]["actions"][0], "Succeeded")
    await plant.change_sets.delete("release", "app")
    digest = await plant.propose("another execution", "v2")
    found = await plant.review(execution)
    assert found.digest == digest
    [note] = found.notes
    assert "not the one that Propose made: it was replaced since" in note


async def test_a_change_set_that_is_made_anew_after_the_approval_is_not_shown(plant: Plant) -> None:
    """Locks: the approver was shown one plan and another, made after the approval, was executed."""
    propose, execute = (
        cloudformation("Propose", "CHANGE_SET_REPLACE", 1),
        cloudformation("Execute", "CHANGE_SET_EXECUTE", 3),
    )
    again = {"name": "Second", "actions": [{**propose, "name": "Again"}, execute]}
    [sources, production] = DOCUMENT["stages"]
    await plant.create_pipeline({**DOCUMENT, "stages": [sources, production, again]})
    execution = await plant.execution(1)
    digest = await plant.propose(execution)
    await plant.action(execution, propose, "Succeeded")
    found = await plant.review(execution)
    assert [each.digest for each in found.change_sets] == [digest], "the stage's own is shown"
    [note] = found.notes
    assert "which Again makes anew beside this approval or after it: it cannot be shown" in note


async def test_a_change_set_that_is_made_beside_the_approval_is_not_shown(plant: Plant) -> None:
    propose = cloudformation("Propose", "CHANGE_SET_REPLACE", 2)
    execute = cloudformation("Execute", "CHANGE_SET_EXECUTE", 3)
    production = {"name": "Production", "actions": [propose, APPROVAL, execute]}
    await plant.create_pipeline({**DOCUMENT, "stages": [DOCUMENT["stages"][0], production]})
    execution = await plant.execution(1)
    await plant.propose("the release before")
    await plant.action(execution, propose, "InProgress")
    found = await plant.review(execution)
    assert (found.change_sets, found.digest) == ([], None)
    assert "which Propose makes anew beside this approval" in found.notes[0]


async def test_a_change_set_whose_stack_moved_on_is_said(plant: Plant) -> None:
    await plant.create_pipeline()
    execution = await plant.execution(1)
    await plant.propose(execution)
    await plant.action(execution, DOCUMENT["stages"][1]["actions"][0], "Succeeded")
    await plant.stacks.database.write(  # as any operation on the stack does
        lambda c: c.execute(sa.text("UPDATE stacks SET serial = serial + 1"))
    )
    found = await plant.review(execution)
    assert found.change_sets[0].status == "OBSOLETE"
    [note] = found.notes
    assert "which cannot be executed: The stack has changed" in note


async def test_an_unknown_action_is_a_note(plant: Plant) -> None:
    found = await plant.reviews.compile(action_execution_id="nothing")
    assert found.sources == ()
    assert found.notes == ["The execution or its pipeline does not exist any more."]


async def test_a_change_set_that_nothing_after_the_approval_executes_is_said(plant: Plant) -> None:
    """Locks: an approver saw no change set and not why: a name was misspelt."""
    propose = cloudformation("Propose", "CHANGE_SET_REPLACE", 1)
    misspelt = cloudformation("Execute", "CHANGE_SET_EXECUTE", 3, "relaese")
    production = {"name": "Production", "actions": [propose, APPROVAL, misspelt]}
    await plant.create_pipeline({**DOCUMENT, "stages": [DOCUMENT["stages"][0], production]})
    execution = await plant.execution(1)
    await plant.propose(execution)
    await plant.action(execution, propose, "Succeeded")
    found = await plant.review(execution)
    [wanted, made] = found.notes
    assert wanted.startswith("Execute executes the change set relaese of app, which no action")
    assert made == (
        "Propose made the change set release of app, which no action after this approval executes."
    )


async def test_a_change_set_that_was_executed_before_the_approval_is_said(plant: Plant) -> None:
    propose = cloudformation("Propose", "CHANGE_SET_REPLACE", 1)
    execute = cloudformation("Execute", "CHANGE_SET_EXECUTE", 2)
    production = {"name": "Production", "actions": [propose, execute, {**APPROVAL, "runOrder": 3}]}
    await plant.create_pipeline({**DOCUMENT, "stages": [DOCUMENT["stages"][0], production]})
    execution = await plant.execution(1)
    await plant.propose(execution)
    await plant.action(execution, propose, "Succeeded")
    await plant.action(execution, execute, "Succeeded")
    found = await plant.review(execution)
    assert (found.change_sets, found.digest) == ([], None)
    assert found.notes == [
        "Execute executed the change set release of app before this approval was asked for."
    ]
