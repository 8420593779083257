import json

import pytest
from botocore.exceptions import EndpointConnectionError, NoCredentialsError

from penstock.cli.connection import Connection, connect, explain, from_data_dir
from penstock.cli.env import lines
from penstock.cli.refusal import Refusal

STORED = {
    "AccessKeyId": "AKIAEXAMPLE",
    "SecretAccessKey": "a/b+c d",
    "Endpoint": "http://127.0.0.1:4711",
    "Region": "eu-west-1",
    "AccountId": "210987654321",
}
CONNECTION = Connection(
    "http://127.0.0.1:4711", "eu-west-1", "210987654321", "AKIAEXAMPLE", "a/b+c d"
)
VARIABLES = {
    "AWS_ENDPOINT_URL": "http://127.0.0.1:4600",
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_ACCOUNT_ID": "123456789012",
}


@pytest.fixture
def data_dir(tmp_path):
    (tmp_path / "root-credentials.json").write_text(json.dumps(STORED))
    return tmp_path


def test_a_data_directory_tells_its_server(data_dir):
    assert from_data_dir(data_dir) == CONNECTION


def test_a_named_data_directory_wins_over_the_environment(data_dir):
    assert connect(data_dir, VARIABLES) == CONNECTION


def test_the_environment_names_a_server_and_its_session():
    found = connect(None, {**VARIABLES, "AWS_SESSION_TOKEN": "t"})
    assert found == Connection(
        "http://127.0.0.1:4600", "us-east-1", "123456789012", "key", "secret", "t"
    )


def test_a_half_set_environment_says_what_is_missing():
    with pytest.raises(Refusal, match="AWS_SECRET_ACCESS_KEY is not"):
        connect(None, {k: v for k, v in VARIABLES.items() if k != "AWS_SECRET_ACCESS_KEY"})


def test_a_directory_without_a_server_says_how_to_start_one(tmp_path):
    with pytest.raises(Refusal, match=f"penstock serve --data-dir {tmp_path}"):
        from_data_dir(tmp_path)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_damaged_file_is_named(tmp_path, text):
    (tmp_path / "root-credentials.json").write_text(text)
    with pytest.raises(Refusal, match=r"root-credentials\.json is not what a server writes"):
        from_data_dir(tmp_path)


def test_env_quotes_for_the_shell_and_clears_what_would_void_it():
    assert lines(CONNECTION, {}) == [
        "export AWS_ENDPOINT_URL=http://127.0.0.1:4711",
        "export AWS_ACCESS_KEY_ID=AKIAEXAMPLE",
        "export AWS_SECRET_ACCESS_KEY='a/b+c d'",
        "export AWS_DEFAULT_REGION=eu-west-1",
        "export AWS_ACCOUNT_ID=210987654321",
    ]
    assert lines(CONNECTION, {"AWS_SESSION_TOKEN": "x"})[5:] == ["unset AWS_SESSION_TOKEN"]
    assert lines(CONNECTION, {"AWS_REGION": "eu-west-1"})[5:] == ["unset AWS_REGION"]


def test_clients_are_the_servers(data_dir):
    client = from_data_dir(data_dir).client("codepipeline")
    assert client.meta.endpoint_url == "http://127.0.0.1:4711"
    assert client.meta.region_name == "eu-west-1"


def test_a_profile_for_a_real_account_is_not_looked_at(data_dir, monkeypatch):
    monkeypatch.setenv("AWS_PROFILE", "production")
    client = from_data_dir(data_dir).client("codepipeline")
    assert client.meta.endpoint_url == "http://127.0.0.1:4711"


def test_errors_of_the_client_are_one_line_that_helps():
    gone = EndpointConnectionError(endpoint_url="http://127.0.0.1:4600/")
    assert explain(gone) == (
        "no server answers at http://127.0.0.1:4600/; start it: penstock serve --data-dir DIR"
    )
    assert "penstock env" in explain(NoCredentialsError())
