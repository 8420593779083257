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


def test_cloudformation_sets_what_others_may_not() -> None:
    own = {"aws:cloudformation:stack-name": "dev"}
    assert tagging.reserved_key(own, "cloudformation.amazonaws.com") is None
    assert tagging.reserved_key(own, "codepipeline.amazonaws.com") is not None


def test_tags_of_aws_own_do_not_count_and_survive_a_replacement() -> None:
    tags = {"aws:x": "1", "team": "a"}
    assert tagging.counted(tags) == 1
    assert tagging.replaced(tags, {"cost": "b"}, None) == {"aws:x": "1", "cost": "b"}
    assert tagging.replaced(tags, {"cost": "b"}, tagging.CLOUDFORMATION) == {"cost": "b"}
