"""An approval at an 80-column terminal."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from rich.console import Console

from penstock.cli.layout import WIDTH
from penstock.cli.review_text import approval_text, change_set_text
from penstock.pipelines.review import (
    FIRST_RELEASE,
    Commit,
    ParameterChange,
    Review,
    ReviewedChangeSet,
    SourceChange,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
DIGEST = f"sha256:{'ab' * 32}"
LONG = "123456789012.dkr.ecr.us-east-1.amazonaws.com/todobackend/with/a/long/name"
CHANGES = [
    {
        "Type": "Resource",
        "ResourceChange": {
            "Action": "Modify",
            "LogicalResourceId": "TaskDefinition",
            "ResourceType": "AWS::ECS::TaskDefinition",
            "Replacement": "True",
            "PolicyAction": "ReplaceAndDelete",
            "Details": [
                {
                    "Target": {
                        "Attribute": "Properties",
                        "Name": "ContainerDefinitions",
                        "Path": "/Properties/ContainerDefinitions",
                        "RequiresRecreation": "Always",
                        "BeforeValue": f'[{{"Name": "app", "Image": "{LONG}:1"}}]',
                        "AfterValue": f'[{{"Name": "app", "Image": "{LONG}:2"}}]',
                    },
                    "Evaluation": "Static",
                    "ChangeSource": "ParameterReference",
                    "CausingEntity": "Version",
                }
            ],
        },
    },
    {
        "Type": "Resource",
        "ResourceChange": {
            "Action": "Add",
            "LogicalResourceId": "Table",
            "ResourceType": "AWS::X::Table",
            "AfterContext": '{"Properties": {"A": "1", "B": "2", "C": "3", "D": "4", "E": "5",'
            ' "F": "6", "G": "7", "H": "8"}}',
        },
    },
    {
        "Type": "Resource",
        "ResourceChange": {
            "Action": "Remove",
            "LogicalResourceId": "Old",
            "ResourceType": "AWS::X::Thing",
            "PolicyAction": "Retain",
        },
    },
]


def change_set(**changes: Any) -> ReviewedChangeSet:
    given: dict[str, Any] = {
        "action_name": "Execute",
        "stack_name": "shop-prod",
        "stack_id": "arn:stack",
        "name": "release",
        "arn": "arn:change-set",
        "kind": "UPDATE",
        "digest": DIGEST,
        "status": "AVAILABLE",
        "status_reason": "",
        "created_at": NOW,
        "changes": CHANGES,
        "parameters": [
            ParameterChange("Version", "1", "2"),
            ParameterChange("Same", "x", "x"),
            ParameterChange("Gone", "y", None),
        ],
    }
    return ReviewedChangeSet(**{**given, **changes})


def approval(**changes: Any) -> dict[str, Any]:
    given = {
        "action_execution_id": "id",
        "pipeline": "shop",
        "execution_id": "0b19c516-ad46-4214-909f-d1539fa09d37",
        "stage": "Production",
        "action": "Approve",
        "status": "Waiting",
        "token": "t",
        "digest": DIGEST,
        "custom_data": "Read it",
        "link": None,
        "summary_required": False,
        "created_at": NOW.isoformat(),
        "expires_at": (NOW + timedelta(days=7)).isoformat(),
        "decided_by": None,
        "decided_at": None,
        "comment": None,
        "error": None,
    }
    return {**given, **changes}


def printed(what: Any) -> str:
    output = io.StringIO()
    Console(file=output, width=WIDTH, highlight=False).print(what)
    text = "\n".join(line.rstrip() for line in output.getvalue().splitlines())
    assert max(map(len, text.splitlines())) <= 80
    return text


def test_a_change_set_reads_from_top_to_bottom() -> None:
    assert (
        printed(change_set_text(change_set()))
        == f"""\
Change set release updates shop-prod: 1 added, 1 replaced, 1 removed
  parameter Version: 1 → 2
  - parameter Gone: y

  ± TaskDefinition  AWS::ECS::TaskDefinition
    is replaced: a new one is made, the old one deleted (parameter Version
    changed)
      ContainerDefinitions[0].Image
        - {LONG[:70]}
          {LONG[70:]}:1
        + {LONG[:70]}
          {LONG[70:]}:2
  + Table  AWS::X::Table
      A: 1
      B: 2
      C: 3
      D: 4
      E: 5
      F: 6
      and 2 more, with --full
  - Old  AWS::X::Thing
    leaves the stack, and is kept outside it

Digest {DIGEST}"""
    )


def test_a_reason_stands_where_there_is_more_than_one() -> None:
    def detail(name: str, recreation: str, entity: str) -> dict[str, Any]:
        target = {"Attribute": "Properties", "Name": name, "RequiresRecreation": recreation}
        target |= {"BeforeValue": "a", "AfterValue": "b"}
        cause = {"ChangeSource": "ParameterReference", "CausingEntity": entity}
        return {"Target": target, "Evaluation": "Static", **cause}

    details = [detail("Size", "Never", "Size"), detail("Name", "Always", "NameOfTheDatabase")]
    given = {"Action": "Modify", "LogicalResourceId": "Database", "Replacement": "True"}
    given |= {"ResourceType": "AWS::RDS::DBInstance", "PhysicalResourceId": "shop-db"}
    given |= {"PolicyAction": "ReplaceAndSnapshot", "Details": details}
    assert (
        printed(change_set_text(change_set(changes=[given], parameters=[])))
        == f"""\
Change set release updates shop-prod: 1 replaced
  ± Database  AWS::RDS::DBInstance  shop-db
    is replaced: a new one is made, the old one deleted after a snapshot of it
    WARNING: what the old one stores is in its snapshot alone; the new one
    begins without it
      Size: a → b  (parameter Size changed)
      Name: a → b  (replaces the resource; parameter NameOfTheDatabase changed)

Digest {DIGEST}"""
    )


def test_what_an_answer_lacks_is_said_to_be_missing() -> None:
    def given(action: str, name: str, **more: Any) -> dict[str, Any]:
        return {"Action": action, "LogicalResourceId": name, "ResourceType": "AWS::X::Y", **more}

    changes = [
        given("Modify", "All"),
        given("Modify", "Values", Details=[{"Target": {"Attribute": "Tags"}}]),
        given("Modify", "Details", Replacement="False"),
        given("Remove", "Policy"),
    ]
    text = printed(change_set_text(change_set(changes=changes, parameters=[])))
    assert (
        text.split("\n\n")[0]
        == """\
Change set release updates shop-prod: 3 changed, 1 removed
  ~ All  AWS::X::Y
    changes; the endpoint does not say how, nor whether it is replaced
  ~ Values  AWS::X::Y
    changes; the endpoint does not say whether it is replaced (the endpoint does
    not say why)
      Tags: its values are not told
  ~ Details  AWS::X::Y
    in place
      what of it changes the endpoint does not say
  - Policy  AWS::X::Y
    is removed; whether it is deleted or kept the endpoint does not say"""
    )


def test_a_change_of_the_stack_alone_is_said() -> None:
    text = printed(change_set_text(change_set(changes=[])))
    assert "no resource changes" in text
    assert "outputs, tags or settings of the stack change" in text


def test_everything_that_is_added_is_shown_on_demand() -> None:
    assert "      H: 8" in printed(change_set_text(change_set(), full=True))


def test_a_change_set_that_cannot_be_executed_says_why() -> None:
    text = printed(change_set_text(change_set(status="OBSOLETE", status_reason="The stack moved")))
    assert "  OBSOLETE: The stack moved" in text
    assert "nothing changes" in printed(change_set_text(change_set(changes=[], empty=True)))


def test_an_approval_shows_commits_and_what_could_not_be_shown() -> None:
    commit = Commit("a" * 40, "Ada", NOW - timedelta(hours=2), "Sell \x1b[31mthings")
    source = SourceChange(
        "App", "CodeCommit", "shop", "a" * 40, "Sell things", "", "b" * 40, [commit], 3
    )
    other = SourceChange("Lib", "S3", "bucket/key", "version-id-of-s3", "", note="Kept elsewhere.")
    review = Review([source, other], [change_set()], "12345678-90", NOW, ["Something is gone."])
    text = printed(approval_text(approval(), review, NOW))
    assert text.startswith("shop / Production / Approve  Waiting\n  asked 0 s ago, waits until 20")
    assert "Sources, since release 12345678, 0 s ago\n" in text
    assert "  App  shop  bbbbbbb → aaaaaaa\n" in text
    assert "    aaaaaaa Sell \\x1b[31mthings (Ada, 2 h ago)\n    and 3 more\n" in text
    assert "  Lib  bucket/key  version-id-of-s3\n    Kept elsewhere.\n" in text
    assert "Note: Something is gone." in text
    assert text.endswith(f"Digest {DIGEST}")


def test_the_first_release_is_said_once() -> None:
    source = SourceChange("App", "CodeCommit", "shop", "a" * 40, "", note=FIRST_RELEASE)
    text = printed(approval_text(approval(digest=None), Review([source]), NOW))
    assert "Sources, of the first release to this stage" in text
    assert FIRST_RELEASE not in text
    assert "Digest" not in text


def test_a_decision_is_shown_with_who_and_why() -> None:
    decided = approval(
        status="Rejected", decided_by="arn:ann", decided_at=NOW.isoformat(), comment="not now"
    )
    text = printed(approval_text(decided, msgspec.convert({}, Review), NOW))
    assert "Approve  Rejected\n  by arn:ann, 0 s ago\n  not now\n" in text
