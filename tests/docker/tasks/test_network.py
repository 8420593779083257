"""What a Task reaches under AWS's names, and what it does not."""

import json

import aiohttp
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


_ASK_FROM_INSIDE = """
curl -sS "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
curl -sS https://sts.us-east-1.amazonaws.com/a
getent hosts codebuild.us-east-1.amazonaws.com
getent hosts deb.debian.org > /dev/null; echo debian=$?
python3 - <<'END'
import socket
query = b"\\0\\1\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\3sts\\x09amazonaws\\3com\\0\\0\\1\\0\\1"
with socket.create_connection(("169.254.170.3", 53), 5) as names:
    names.sendall(len(query).to_bytes(2, "big") + query)
    print("over-tcp", names.recv(512)[-4:] == bytes([169, 254, 170, 3]))
END
for port in 80 443; do curl -sS http://127.0.0.1:$port/; done
"""


_LISTEN = """
import http.server, socket, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"of the task\\n")
socket.create_server(("0.0.0.0", 53)), socket.socket(type=socket.SOCK_DGRAM).bind(("0.0.0.0", 53))
servers = [http.server.HTTPServer(("0.0.0.0", port), Handler) for port in (80, 443)]
for server in servers:
    threading.Thread(target=server.serve_forever).start()
"""


async def test_a_container_may_have_ports_80_443_and_53_of_every_address(tasks: World) -> None:
    web = ContainerSpec("web", "python:3.11-slim", ["python3", "-c", _LISTEN])
    wait = "until curl -s http://127.0.0.1:443/ > /dev/null; do sleep 0.1; done"
    script = f"exec 2>&1; {wait}; {_ASK_FROM_INSIDE}"
    build = ContainerSpec("build", "penstock/build:1", ["/bin/sh", "-c", script])
    task = TaskSpec("t1", "build", [build, web], role_credentials_token="a-token")
    await tasks.runner.start(task)
    output = b"".join([chunk async for chunk in tasks.runner.logs("t1", "build")]).decode()
    sandbox = await tasks.runner.sandbox("t1")
    assert sandbox is not None
    for port in (80, 443):
        async with aiohttp.request("GET", f"http://{sandbox.ipv4}:{port}/") as answer:
            assert await answer.text() == "of the task\n"
    states = await tasks.runner.state("t1")
    assert states is not None
    assert states["web"].running
    assert output.splitlines()[:2] == [
        "stand-in 169.254.170.2 /v2/credentials/a-token",
        "stand-in sts.us-east-1.amazonaws.com /a",
    ]
    assert "169.254.170.3" in output.splitlines()[2]
    assert output.endswith("debian=0\nover-tcp True\nof the task\nof the task\n"), output


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
