"""What holds of every policy: a deny wins, an allow only adds, wildcards mean what they say."""

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from penstock.aws import wildcards
from penstock.aws.policy import Decision, evaluate
from penstock.aws.policy_document import parse_policy

actions = st.sampled_from(["s3:GetObject", "s3:PutObject", "ecr:PutImage", "iam:PassRole"])
action_patterns = st.sampled_from(["*", "s3:*", "S3:GET*", "s3:?utObject", "ecr:*", "iam:PassRole"])
resources = st.sampled_from(["arn:aws:s3:::a/k", "arn:aws:s3:::b/k", "*"])
resource_patterns = st.sampled_from(["*", "arn:aws:s3:::*", "arn:aws:s3:::a/*", "arn:aws:s3:::b/k"])
conditions = st.sampled_from(
    [{}, {"StringEquals": {"x:y": "1"}}, {"StringEquals": {"aws:username": "ann"}}]
)


@st.composite
def statements(draw, effect=None):
    return {
        "Effect": effect or draw(st.sampled_from(["Allow", "Deny"])),
        draw(st.sampled_from(["Action", "NotAction"])): draw(
            st.lists(action_patterns, min_size=1, max_size=3)
        ),
        draw(st.sampled_from(["Resource", "NotResource"])): draw(
            st.lists(resource_patterns, min_size=1, max_size=3)
        ),
        "Condition": draw(conditions),
    }


def decide(listed, action, resource):
    if not listed:
        return evaluate([], action, resource, {})
    document = parse_policy(json.dumps({"Version": "2012-10-17", "Statement": listed}))
    return evaluate([document], action, resource, {"aws:username": "ann"})


@given(st.lists(statements(), max_size=4), actions, resources)
def test_a_deny_of_everything_wins_over_any_policy(listed, action, resource):
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*"}
    assert decide([*listed, deny], action, resource) is Decision.EXPLICITLY_DENIED


@given(st.lists(statements(), max_size=4), statements(effect="Allow"), actions, resources)
def test_adding_an_allow_never_removes_a_permission(listed, extra, action, resource):
    before = decide(listed, action, resource)
    after = decide([*listed, extra], action, resource)
    assert after is before or (before is Decision.IMPLICITLY_DENIED and after is Decision.ALLOWED)


@given(st.lists(statements(), max_size=5), actions, resources, st.randoms())
def test_the_order_of_statements_does_not_count(listed, action, resource, random):
    shuffled = list(listed)
    random.shuffle(shuffled)
    assert decide(listed, action, resource) is decide(shuffled, action, resource)


@given(st.text("ab*?:/", max_size=12), st.text("ab:/", max_size=12))
def test_wildcards_match_as_the_equal_regular_expression(pattern, text):
    parts = {"*": ".*", "?": "."}
    regex = "".join(parts.get(character, re.escape(character)) for character in pattern)
    expected = re.fullmatch(regex, text, re.DOTALL) is not None
    assert wildcards.matches(pattern, text) is expected
    assert wildcards.matcher(pattern)(text) is expected
    assert wildcards.any_matcher(["c", pattern])(text) is expected


def test_a_pattern_of_many_stars_is_not_slow():
    assert not wildcards.matches("*a" * 30 + "*b", "a" * 5_000)
