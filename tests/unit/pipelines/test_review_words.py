"""How a change set reads to the person who approves it."""

import json
from typing import Any

from penstock.pipelines import review_words
from penstock.pipelines.leaf_changes import LeafChange, leaf_changes
from penstock.pipelines.review import ParameterChange
from penstock.pipelines.review_words import KNOWN_LATER, PropertyWords, ResourceWords
from penstock.stacks.intrinsics.unknown import KNOWN_AFTER_APPLY

OLD = "123456789012.dkr.ecr.us-east-1.amazonaws.com/todobackend:1.0.0-abc"
NEW = "123456789012.dkr.ecr.us-east-1.amazonaws.com/todobackend:1.0.0-def"


def detail(
    name: str | None,
    before: Any = None,
    after: Any = None,
    *,
    source: str = "DirectModification",
    entity: str | None = None,
    evaluation: str = "Static",
    recreation: str = "Never",
    attribute: str = "Properties",
) -> dict[str, Any]:
    target: dict[str, Any] = {"Attribute": attribute, "RequiresRecreation": recreation}
    if name is not None:
        target |= {"Name": name, "Path": f"/Properties/{name}"}
    for member, value in (("BeforeValue", before), ("AfterValue", after)):
        if value is not None:
            target[member] = value if isinstance(value, str) else json.dumps(value)
    described = {"Target": target, "Evaluation": evaluation, "ChangeSource": source}
    return described if entity is None else {**described, "CausingEntity": entity}


def change(action: str, logical_id: str, resource_type: str, **members: Any) -> dict[str, Any]:
    return {
        "Type": "Resource",
        "ResourceChange": {
            "Action": action,
            "LogicalResourceId": logical_id,
            "ResourceType": resource_type,
            **members,
        },
    }


def words(action: str, logical_id: str, resource_type: str, **members: Any) -> ResourceWords:
    [found] = review_words.resource_words([change(action, logical_id, resource_type, **members)])
    return found


def containers(image: str, version: str) -> list[dict[str, Any]]:
    return [
        {
            "Name": "app",
            "Image": image,
            "Environment": [
                {"Name": "PORT", "Value": "80"},
                {"Name": "VERSION", "Value": version},
            ],
        }
    ]


def test_a_new_image_is_one_line_of_the_task_definition_it_replaces() -> None:
    both = (containers(OLD, "1.0.0"), containers(NEW, "1.0.0"))
    given = {"recreation": "Always"}
    found = words(
        "Modify",
        "TaskDefinition",
        "AWS::ECS::TaskDefinition",
        PhysicalResourceId="arn:task",
        PolicyAction="ReplaceAndDelete",
        Replacement="True",
        Details=[
            detail(
                "ContainerDefinitions", *both, source="ParameterReference", entity="Tag", **given
            ),
            detail("ContainerDefinitions", *both, evaluation="Dynamic", **given),
        ],
    )
    assert found == ResourceWords(
        action="Modify",
        logical_id="TaskDefinition",
        type="AWS::ECS::TaskDefinition",
        physical_id="arn:task",
        outcome="is replaced: a new one is made, the old one deleted",
        is_replaced=True,
        why=("parameter Tag changed",),
        properties=[
            PropertyWords(
                "ContainerDefinitions[0].Image",
                OLD,
                NEW,
                ("parameter Tag changed",),
                "replaces the resource",
            )
        ],
    )


def test_what_refers_to_a_replaced_resource_says_so_and_learns_its_value_later() -> None:
    found = words(
        "Modify",
        "Service",
        "AWS::ECS::Service",
        Replacement="False",
        Details=[
            detail(
                "TaskDefinition",
                "arn:task:1",
                KNOWN_AFTER_APPLY,
                source="ResourceReference",
                entity="TaskDefinition",
            ),
            detail("TaskDefinition", "arn:task:1", KNOWN_AFTER_APPLY, evaluation="Dynamic"),
        ],
    )
    assert found.outcome == "in place"
    assert found.why == ("refers to TaskDefinition, which is replaced",)
    assert [(each.path, each.before, each.after) for each in found.properties] == [
        ("TaskDefinition", "arn:task:1", KNOWN_LATER)
    ]


def test_an_attribute_of_a_replaced_resource_is_read_from_it() -> None:
    read = detail("Url", "a", "b", source="ResourceAttribute", entity="Queue.Arn")
    found = words("Modify", "A", "AWS::X::Y", Replacement="False", Details=[read])
    assert found.why == ("reads Queue.Arn, and Queue is replaced",)


def test_an_edit_of_the_template_is_said() -> None:
    found = words(
        "Modify",
        "Service",
        "AWS::ECS::Service",
        Replacement="Conditional",
        Details=[detail("DesiredCount", "1", "2", recreation="Conditionally")],
    )
    assert found.outcome.startswith("may be replaced")
    assert found.properties == [
        PropertyWords(
            "DesiredCount", "1", "2", ("edited in the template",), "may replace the resource"
        )
    ]


def test_pairs_are_read_by_name_whatever_their_place() -> None:
    before = [{"Name": "A", "Value": "1"}, {"Name": "B", "Value": "2"}]
    after = [{"Name": "B", "Value": "2"}, {"Name": "C", "Value": "3"}, {"Name": "A", "Value": "4"}]
    assert leaf_changes("Environment", json.dumps(before), json.dumps(after)) == [
        LeafChange("Environment.A", "1", "4"),
        LeafChange("Environment.C", None, "3"),
    ]


def test_an_item_put_before_others_is_all_that_changes() -> None:
    before, after = ["subnet-1", "subnet-2"], ["subnet-0", "subnet-1", "subnet-2"]
    assert leaf_changes("Subnets", json.dumps(before), json.dumps(after)) == [
        LeafChange("Subnets[0]", None, "subnet-0")
    ]
    assert leaf_changes("Subnets", json.dumps(after), json.dumps(before)) == [
        LeafChange("Subnets[0 before]", "subnet-0", None)
    ]


def test_a_container_put_before_another_leaves_that_one_alone() -> None:
    before = [{"Name": "app", "Image": OLD, "Cpu": "1"}]
    after = [{"Name": "proxy", "Image": "haproxy"}, {"Name": "app", "Image": OLD, "Cpu": "2"}]
    assert leaf_changes("C", json.dumps(before), json.dumps(after)) == [
        LeafChange("C[app].Cpu", "1", "2"),
        LeafChange("C[proxy].Name", None, "proxy"),
        LeafChange("C[proxy].Image", None, "haproxy"),
    ]


def test_a_document_inside_a_text_is_compared_too() -> None:
    before = {"Policy": json.dumps({"Statement": [{"Effect": "Allow", "Action": "s3:*"}]})}
    after = {"Policy": json.dumps({"Statement": [{"Effect": "Allow", "Action": "*"}]})}
    assert leaf_changes("P", json.dumps(before), json.dumps(after)) == [
        LeafChange("P.Policy.Statement[0].Action", "s3:*", "*")
    ]


def test_names_that_are_no_words_stand_in_quotes() -> None:
    before, after = {"com.example/tier": "a"}, {"com.example/tier": "b"}
    assert leaf_changes("DockerLabels", json.dumps(before), json.dumps(after)) == [
        LeafChange('DockerLabels["com.example/tier"]', "a", "b")
    ]


def test_a_digest_is_shown_whole() -> None:
    digests = [f"repo@sha256:{letter * 64}" for letter in "ab"]
    [found] = leaf_changes("Image", *digests)
    assert (found.before, found.after) == tuple(digests)


def test_a_changed_secret_is_named_without_its_values() -> None:
    found = words(
        "Modify",
        "Database",
        "AWS::RDS::DBInstance",
        Replacement="False",
        Details=[
            detail(
                "MasterUserPassword", "****", "****", source="ParameterReference", entity="Password"
            )
        ],
    )
    assert [(each.path, each.before, each.after) for each in found.properties] == [
        ("MasterUserPassword", "****", "****")
    ]


def test_only_the_hidden_leaves_of_an_equal_structure_are_named() -> None:
    hidden = {"User": "root", "Password": "****"}
    found = words("Modify", "A", "AWS::X::Y", Details=[detail("Settings", hidden, hidden)])
    assert [each.path for each in found.properties] == ["Settings.Password"]


def test_tags_of_the_stack_have_no_values() -> None:
    found = words("Modify", "A", "AWS::X::Y", Details=[detail(None, attribute="Tags")])
    assert found.properties == [PropertyWords("Tags", None, None, ("the stack's tags changed",))]


def test_an_added_resource_lists_what_it_will_have() -> None:
    context = {"Properties": {"Image": NEW, "Ports": ["80"], "Role": KNOWN_AFTER_APPLY}}
    found = words("Add", "A", "AWS::X::Y", AfterContext=json.dumps(context))
    assert found.outcome == "is created"
    assert [(each.path, each.before, each.after) for each in found.properties] == [
        ("Image", None, NEW),
        ("Ports[0]", None, "80"),
        ("Role", None, KNOWN_LATER),
    ]


def test_what_becomes_of_the_old_one_is_said() -> None:
    assert words("Remove", "A", "AWS::X::Y", PolicyAction="Delete").outcome == "is deleted"
    assert "kept" in words("Remove", "A", "AWS::X::Y", PolicyAction="Retain").outcome
    assert "snapshot" in words("Remove", "A", "AWS::X::Y", PolicyAction="Snapshot").outcome
    kept = words(
        "Modify", "A", "AWS::X::Y", Replacement="True", PolicyAction="ReplaceAndRetain", Details=[]
    )
    assert kept.outcome.endswith("the old one is kept, outside the stack")


def test_the_counts_of_a_change_set_are_one_line() -> None:
    found = review_words.resource_words(
        [
            change("Add", "A", "T"),
            change("Modify", "B", "T", Replacement="True"),
            change("Modify", "C", "T", Replacement="False"),
            change("Remove", "D", "T"),
            change("Remove", "E", "T"),
        ]
    )
    assert review_words.summary(found) == "1 added, 1 changed, 1 replaced, 2 removed"
    assert review_words.summary([]) == "no resource changes"


def test_parameters_that_stay_are_not_changes() -> None:
    stays, goes = ParameterChange("A", "1", "1"), ParameterChange("B", "1", None)
    assert review_words.changed_parameters([stays, goes]) == [goes]


def test_a_value_cannot_write_on_the_terminal() -> None:
    found = words("Modify", "A", "T", Details=[detail("X", "safe", "\x1b[2Khidden\u202e")])
    assert found.properties[0].after == "\\x1b[2Khidden\\u202e"


def test_a_replacement_that_is_not_told_is_read_from_the_details() -> None:
    def told(recreation: str | None, evaluation: str = "Static") -> str | None:
        given = detail("A", "1", "2", recreation=recreation or "", evaluation=evaluation)
        if recreation is None:
            del given["Target"]["RequiresRecreation"]
        return words("Modify", "R", "AWS::X::Y", Details=[given]).replacement

    assert told("Never") == "False"
    assert told("Always") == "True"
    assert told("Always", "Dynamic") == "Conditional"
    assert told("Conditionally") == "Conditional"
    assert told(None) is None
    assert words("Modify", "R", "AWS::X::Y").replacement is None
    assert words("Modify", "R", "AWS::X::Y").may_be_replaced
    assert not words("Modify", "R", "AWS::X::Y", Replacement="False").may_be_replaced
    assert words("Add", "R", "AWS::X::Y", Replacement="True").replacement is None


def test_values_that_details_lack_come_from_the_contexts() -> None:
    contexts = {
        "BeforeContext": json.dumps({"Properties": {"A": "1", "B": {"C": "2", "D": "3"}}}),
        "AfterContext": json.dumps({"Properties": {"A": "1", "B": {"C": "9", "D": "3"}}}),
    }
    found = words("Modify", "R", "AWS::X::Y", Details=[detail("B")], **contexts)
    assert [(e.path, e.before, e.after) for e in found.properties] == [("B.C", "2", "9")]
    found = words("Modify", "R", "AWS::X::Y", **contexts)
    assert [(e.path, e.before, e.after) for e in found.properties] == [("B.C", "2", "9")]
    broken = {"BeforeContext": "{", "AfterContext": "[1]"}
    found = words("Modify", "R", "AWS::X::Y", Details=[detail("B")], **broken)
    assert [(e.path, e.before, e.after) for e in found.properties] == [("B", None, None)]


def test_what_an_answer_lacks_is_not_guessed() -> None:
    gone = words("Remove", "R", "AWS::X::Y")
    assert gone.outcome == "is removed; whether it is deleted or kept the endpoint does not say"
    assert words("Remove", "R", "AWS::X::Y", PolicyAction="Delete").outcome == "is deleted"
    assert (
        "what becomes of the old one the endpoint"
        in words("Modify", "R", "AWS::X::Y", Replacement="True").outcome
    )
    without_source = {"Target": {"Name": "A", "BeforeValue": "1", "AfterValue": "2"}}
    found = words("Modify", "R", "AWS::X::Y", Details=[without_source])
    assert found.why == ("the endpoint does not say why",)
