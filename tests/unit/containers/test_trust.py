from datetime import UTC, datetime
from pathlib import Path

from penstock.containers.certificates import Certificates
from penstock.containers.trust import Trust, host_bundle, host_environment


def test_tools_are_pointed_at_the_bundle() -> None:
    found = host_environment("/b.crt", {})
    for name in ("AWS_CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        assert found[name] == "/b.crt"
    for name in ("NODE_EXTRA_CA_CERTS", "PIP_CERT", "GIT_SSL_CAINFO"):
        assert found[name] == "/b.crt"
    assert "NO_PROXY" not in found


def test_proxies_reach_tasks_but_never_for_awss_names() -> None:
    found = host_environment("/b", {"https_proxy": "http://proxy:3128", "NO_PROXY": "intranet"})
    assert found["HTTPS_PROXY"] == found["https_proxy"] == "http://proxy:3128"
    kept = found["NO_PROXY"].split(",")
    assert {"intranet", ".amazonaws.com", "169.254.170.2"} <= set(kept)
    assert found["no_proxy"] == found["NO_PROXY"]


def test_indexes_are_handed_on_unless_they_are_of_this_host_alone() -> None:
    found = host_environment(
        "/b",
        {
            "PIP_INDEX_URL": "https://pypi.corp/simple",
            "PIP_EXTRA_INDEX_URL": "file:///opt/simple",
            "NPM_CONFIG_REGISTRY": "https://npm.corp/",
        },
    )
    assert found["PIP_INDEX_URL"] == "https://pypi.corp/simple"
    assert "PIP_EXTRA_INDEX_URL" not in found
    assert found["NPM_CONFIG_REGISTRY"] == "https://npm.corp/"


def test_credentials_of_the_host_stay_on_the_host() -> None:
    found = host_environment(
        "/b", {"AWS_SECRET_ACCESS_KEY": "x", "AWS_PROFILE": "x", "DOCKER_HOST": "x", "HOME": "x"}
    )
    assert not {"AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "DOCKER_HOST", "HOME"} & set(found)


def test_the_named_bundle_wins(tmp_path: Path) -> None:
    bundle = tmp_path / "corp.pem"
    bundle.write_bytes(b"CORP\n")
    assert host_bundle({"SSL_CERT_FILE": str(bundle)}) == b"CORP\n"


def test_the_tasks_bundle_ends_with_our_ca(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path, "us-east-1", lambda: datetime(2026, 1, 1, tzinfo=UTC))
    files, environment = Trust(certificates).files_and_environment()
    by_path = {file.path: file.content for file in files}
    assert by_path[environment["SSL_CERT_FILE"]].endswith(certificates.ca_pem)
