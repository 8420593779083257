"""What a Task reaches under AWS's names, and what it does not."""

import json

import pytest

from penstock.containers.task import ContainerSpec, TaskSpec
from tests.docker.tasks.world import World, shell

pytestmark = pytest.mark.docker


async def test_aws_names_lead_to_the_server_over_trusted_tls(tasks: World) -> None:
    code, output = await tasks.run(
        shell(
            "t1",
            """
            set -e
            cat /etc/resolv.conf
            getent ahosts codepipeline.us-east-1.amazonaws.com
            curl -sS https://codepipeline.us-east-1.amazonaws.com/a
            curl -sS https://bucket.s3.amazonaws.com/b
            python3 -c 'import urllib.request as u
print(u.urlopen("https://sts.amazonaws.com/c").read())'
            node -e 'const url = "https://sts.us-east-1.amazonaws.com/d"
            require("https").get(url, answer => answer.pipe(process.stdout))'
            export AWS_ACCESS_KEY_ID=a AWS_SECRET_ACCESS_KEY=b
            aws --region us-east-1 codebuild list-projects
            """,
        )
    )
    assert "nameserver 169.254.170.3\n" in output
    assert "stand-in codepipeline.us-east-1.amazonaws.com /a\n" in output
    assert "stand-in bucket.s3.amazonaws.com /b\n" in output
    assert "stand-in sts.amazonaws.com /c" in output
    assert "stand-in sts.us-east-1.amazonaws.com /d" in output
    assert any("codebuild" in h["host"] for _, _, h in tasks.tls.requests), output
    addresses = {line.split()[0] for line in output.splitlines() if " STREAM" in line}
    assert addresses == {"169.254.170.3"}
    assert code in {0, 255}  # the stand-in's answer is no answer of CodeBuild's


async def test_credentials_address_is_the_plain_listener(tasks: World) -> None:
    script = 'curl -sS "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"'
    spec = ContainerSpec("build", "penstock/build:1", ["/bin/sh", "-c", script])
    task = TaskSpec("t1", "build", [spec], role_credentials_token="a-token")
    code, output = await tasks.run(task)
    assert code == 0
    assert output == "stand-in 169.254.170.2 /v2/credentials/a-token\n"
    assert [path for _, path, _ in tasks.plain.requests] == ["/v2/credentials/a-token"]


async def test_metadata_is_a_dead_end_and_other_names_resolve(tasks: World) -> None:
    _, output = await tasks.run(
        shell(
            "t1",
            """
            curl -sS -m 5 http://169.254.169.254/latest/meta-data/; echo metadata=$?
            getent hosts deb.debian.org > /dev/null; echo debian=$?
            getent hosts made-up.example.invalid; echo invalid=$?
            env | grep -c -E '^(AWS_SECRET|AWS_ACCESS|DOCKER_)'
            """,
        )
    )
    assert "metadata=7" in output, output  # refused at once, not timed out
    assert "debian=0" in output
    assert "invalid=2" in output
    assert output.endswith("\n0\n")


async def test_hosts_trust_reaches_pip(tasks: World) -> None:
    code, output = await tasks.run(
        shell("t1", "pip download --quiet --no-deps --dest /tmp six && ls /tmp")
    )
    assert code == 0, output
    assert "six-" in output


async def test_sandbox_has_few_rights(tasks: World) -> None:
    await tasks.runner.start(shell("t1", "sleep 100"))
    sandbox = await tasks.engine.json(
        "GET", f"containers/penstock-{tasks.instance_id}-t1-sandbox/json"
    )
    host = sandbox["HostConfig"]
    assert not host["Privileged"]
    assert host["CapDrop"] == ["ALL"]
    assert "SYS_ADMIN" not in json.dumps(host["CapAdd"])
    assert not host["Binds"]
