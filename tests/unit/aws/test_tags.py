from penstock.aws import tags as tagging


def test_pairs_and_mappings_are_each_others_inverse() -> None:
    tags = {"team": "a", "cost": ""}
    assert tagging.to_pairs(tags) == [
        {"Key": "cost", "Value": ""},
        {"Key": "team", "Value": "a"},
    ]
    assert tagging.from_pairs(tagging.to_pairs(tags)) == tags
    assert tagging.from_pairs(tagging.to_pairs(tags, "key", "value"), "key", "value") == tags


def test_a_missing_value_is_empty() -> None:
    assert tagging.from_pairs([{"Key": "team"}]) == {"team": ""}


def test_removing_keys_that_are_not_there_is_no_error() -> None:
    assert tagging.without({"a": "1", "b": "2"}, ["b", "c"]) == {"a": "1"}


def test_aws_keeps_its_prefix_in_any_case() -> None:
    assert tagging.reserved_key({"a": "", "Aws:x": ""}) == "Aws:x"
    assert tagging.reserved_key({"laws:x": ""}) is None
