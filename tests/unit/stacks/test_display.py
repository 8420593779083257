"""Values as change sets and events show them: no secret, in whatever order the secrets come."""

import json

from hypothesis import given
from hypothesis import strategies as st

from penstock.stacks.display import MASK, Secrets

SECRETS = st.sets(st.text("abcd", min_size=4, max_size=9), min_size=1, max_size=6)


def test_a_secret_that_is_part_of_another_leaves_nothing_of_it() -> None:
    secrets = Secrets(frozenset({"hunter2", "hunter2-and-more", "and-more"}))
    assert secrets.masked("password hunter2-and-more!") == f"password {MASK}!"


def test_a_secret_is_masked_as_json_and_errors_quote_it() -> None:
    secret = 'one"two\nthrée'
    secrets = Secrets(frozenset({secret}))
    texts = (json.dumps(secret), json.dumps(secret, ensure_ascii=False), repr(secret))
    assert [secrets.masked_text(f"not {each}") for each in texts] == [
        f'not "{MASK}"', f'not "{MASK}"', f"not '{MASK}'",
    ]  # fmt: skip


@given(SECRETS, st.data())
def test_each_secret_is_masked_whole_where_it_stands_alone(
    values: set[str], data: st.DataObject
) -> None:
    one = data.draw(st.sampled_from(sorted(values)))
    assert Secrets(frozenset(values)).masked(f"<{one}>") == f"<{MASK}>"
