"""A preview as JSON and as text."""

import io
import json
from typing import Any

from rich.console import Console
from tests.review_samples import EMPTY, UPDATE, added, change, change_set, detail

from penstock.cli.change_document import document, endings
from penstock.cli.change_preview import Preview
from penstock.cli.layout import WIDTH
from penstock.cli.preview_text import preview_text
from penstock.pipelines.review import ReviewedChangeSet

GRAVE = change_set(
    [
        change("Modify", "Database", "AWS::RDS::DBInstance",
               detail("DBInstanceIdentifier", "a", "b", "Always"), Replacement="True",
               PolicyAction="ReplaceAndDelete", PhysicalResourceId="a"),
        change("Modify", "Bucket", "AWS::S3::Bucket"),
        change("Remove", "Queue", "AWS::SQS::Queue", PolicyAction="Retain"),
    ],
    digest="",
)  # fmt: skip


def preview(change_set: ReviewedChangeSet = UPDATE, **more: Any) -> Preview:
    return Preview(**{"source": "stack.yml", "existed": True, "kept": False, **more},
                   change_set=change_set)  # fmt: skip


def printed(what: Preview, **options: Any) -> str:
    output = io.StringIO()
    Console(file=output, width=WIDTH, highlight=False).print(preview_text(what, **options))
    text = "\n".join(line.rstrip() for line in output.getvalue().splitlines())
    assert max(map(len, text.splitlines())) <= 80
    return text


def test_a_document_has_every_member() -> None:
    found = document(preview())
    assert json.loads(json.dumps(found)) == found
    assert found["stack"] == {
        "name": "todobackend-prod", "id": UPDATE.stack_id, "exists": True,
    }  # fmt: skip
    assert found["changeSet"] == {
        "name": "todobackend-release",
        "arn": UPDATE.arn,
        "type": "UPDATE",
        "status": "AVAILABLE",
        "statusReason": None,
        "kept": False,
    }
    assert found["digest"] == UPDATE.digest
    assert (found["empty"], found["nested"], found["warnings"]) == (False, [], [])
    assert found["replaced"] == ["TaskDefinition"]
    assert (found["mayBeReplaced"], found["removed"]) == ([], [])
    service, task, logs = found["changes"]
    assert logs == {
        "action": "Modify",
        "logicalId": "LogGroup",
        "type": "AWS::Logs::LogGroup",
        "physicalId": "todobackend-prod",
        "replacement": "False",
        "policyAction": None,
        "outcome": "in place",
        "warning": None,
        "properties": [
            {
                "path": "RetentionInDays",
                "before": "7",
                "after": "30",
                "requiresRecreation": "Never",
                "causes": [{"source": "DirectModification", "entity": None, "certain": True}],
            }
        ],
    }
    assert service["properties"][0]["causes"] == [
        {"source": "ResourceReference", "entity": "TaskDefinition", "certain": True}
    ]
    assert {each["requiresRecreation"] for each in task["properties"]} == {"Always"}


def test_the_edit_beside_another_cause_is_none() -> None:
    both = [
        detail("Image", "1", "2", "Always", "ParameterReference", "Version"),
        {**detail("Image", "1", "2", "Always"), "Evaluation": "Dynamic"},
        detail("Image", "1", "2", "Always", "ParameterReference", "Version"),
    ]
    [one] = document(preview(change_set([change("Modify", "A", "AWS::X::Y", *both)])))["changes"]
    assert one["properties"][0]["causes"] == [
        {"source": "ParameterReference", "entity": "Version", "certain": True}
    ]


def test_what_ends_is_listed_and_warned_of() -> None:
    found = document(preview(GRAVE, notes=["A note."]))
    assert found["digest"] is None
    assert [found[kind] for kind in ("replaced", "mayBeReplaced", "removed")] == [
        ["Database"], ["Bucket"], ["Queue"],
    ]  # fmt: skip
    assert [each.split(":")[0] for each in found["warnings"]] == ["Database", "Bucket", "A note."]
    ends = endings([GRAVE])
    assert str(ends) == "replaced: Database; perhaps replaced: Bucket; removed: Queue"
    assert ends
    assert not endings([change_set([added("New", "AWS::X::Y")])])


def test_what_ends_in_a_nested_stack_counts() -> None:
    inside = preview(change_set([]), nested=[GRAVE])
    found = document(inside)
    assert found["replaced"] == ["Database"]
    assert [each["logicalId"] for each in found["nested"][0]["changes"]] == [
        "Database", "Bucket", "Queue",
    ]  # fmt: skip
    assert "Inside, it would update todobackend-prod: 1 changed, 1 replaced" in printed(inside)


def test_a_preview_reads_from_top_to_bottom() -> None:
    text = printed(preview(GRAVE, notes=["A note."]))
    assert (
        text
        == """\
stack.yml would update todobackend-prod: 1 changed, 1 replaced, 1 removed
  ± Database  AWS::RDS::DBInstance  a
    is replaced: a new one is made, the old one deleted (edited in the template)
    WARNING: what the old one stores is deleted with it; the new one begins
    without it
      DBInstanceIdentifier: a → b
  ~ Bucket  AWS::S3::Bucket
    changes; the endpoint does not say how, nor whether it is replaced
    WARNING: should it be replaced, the new one begins without what the old one
    stores
  - Queue  AWS::SQS::Queue
    leaves the stack, and is kept outside it

Note: A note.

WARNING, see above: Database, Bucket
A preview: nothing was changed."""
    )


def test_what_is_kept_says_how_to_execute_it() -> None:
    text = printed(preview(kept=True))
    assert text.endswith(f"\nDigest {UPDATE.digest}")
    assert "execute-change-set --change-set-name" in text
    assert "A preview" not in text


def test_nothing_is_said_clearly() -> None:
    assert printed(preview(EMPTY)) == "stack.yml changes nothing in todobackend-prod."
    found = document(preview(EMPTY))
    assert (found["empty"], found["changes"], found["warnings"]) == (True, [], [])


def test_colours_are_for_terminals() -> None:
    output = io.StringIO()
    console = Console(file=output, width=WIDTH, highlight=False, force_terminal=True)
    console.print(preview_text(preview(GRAVE)))
    assert "\x1b[1;31m" in output.getvalue()
    assert "\x1b[" not in printed(preview(GRAVE))
