"""A build's own Docker daemon: base images, pushes by AWS's name, limits, two at once."""

import asyncio
import base64
import json
import time

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from penstock.containers.task import ContainerSpec, TaskSpec, VolumeMount
from tests.docker.tasks.world import ACCOUNT, REGION, World, shell

pytestmark = [pytest.mark.docker, pytest.mark.timeout(300)]

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
START = "dockerd-entrypoint.sh true || exit 9\n"


def registry_token(tasks: World, repository: str, *actions: str) -> str:
    """Sign what `services/ecr` will: a token for one repository."""
    pair = tasks.certificates.registry_signing
    certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
    der = certificate.public_bytes(serialization.Encoding.DER)
    now = int(time.time())
    return jwt.encode(
        {
            "iss": "penstock",
            "sub": "AWS",
            "aud": "penstock-registry",
            "iat": now,
            "nbf": now - 60,
            "exp": now + 600,
            "jti": "a-token",
            "access": [{"type": "repository", "name": repository, "actions": list(actions)}],
        },
        pair.key_pem,
        algorithm="ES256",
        headers={"x5c": [base64.b64encode(der).decode()]},
    )


async def test_build_push_and_pull_by_the_runner(tasks_with_registry: World) -> None:
    tasks = tasks_with_registry
    token = registry_token(tasks, "app", "pull", "push")
    tasks.tls.answers["/_penstock/registry/token"] = json.dumps({"token": token}).encode()
    code, output = await tasks.run(
        shell(
            "t1",
            START
            + f"""
            set -e
            mkdir /tmp/app && cd /tmp/app
            printf 'six==1.17.0\\n' > requirements.txt
            printf '%s\\n' 'FROM python:3.11-slim' 'COPY requirements.txt .' \
                'RUN pip install -q -r requirements.txt && echo nonce-4711 > /nonce' > Dockerfile
            docker build -q -t {HOST}/app:1 .
            docker run --rm {HOST}/app:1 python -c 'import six, sys; print(six, sys.version)'
            docker run --rm {HOST}/app:1 ls -a /dev | grep -c penstock
            docker create --name made {HOST}/app:1
            docker cp made:/ - | tar -t | grep -c penstock || true
            echo x | docker login -u AWS --password-stdin {HOST}
            docker push {HOST}/app:1
            """,
            privileged=True,
        )
    )
    assert code == 0, output
    assert "<module 'six'" in output
    assert "Login Succeeded" in output
    lines = output.splitlines()
    assert lines[lines.index(next(line for line in lines if "3.11" in line)) + 1] == "1"
    pulled = await tasks.images.resolve(f"{HOST}/app:1", token)
    assert pulled == f"{tasks.registry.host_address}/app:1"
    try:
        code, output = await tasks.run(_own_image(f"{HOST}/app:1", token))
        assert (code, output) == (0, "nonce-4711\n")
    finally:
        await tasks.engine.json("DELETE", f"images/{pulled}")
    notified = [
        event["action"]
        for body in tasks.plain.bodies
        if body
        for event in json.loads(body)["events"]
    ]
    assert "push" in notified
    authorizations = {
        headers["authorization"]
        for _, path, headers in tasks.plain.requests
        if path == "/_penstock/registry/notifications"
    }
    assert authorizations == {"Bearer a-notification-secret"}


async def test_buildkit_trusts_the_server_and_its_layers_stay_clean(
    tasks_with_registry: World,
) -> None:
    code, output = await tasks_with_registry.run(
        shell(
            "t1",
            START
            + r"""
            mkdir /tmp/b && cd /tmp/b && printf '%s\n' 'FROM debian:bookworm-slim AS a' \
                'RUN env | grep ^SSL_CERT_FILE; test -s "$SSL_CERT_FILE"; echo in-$?; ls / > /all' \
                'FROM scratch' 'COPY --from=a /all /' > Dockerfile
            export DOCKER_BUILDKIT=1
            docker build --progress=plain --output type=tar,dest=out.tar . 2>&1 || exit 3
            tar -xOf out.tar all | grep -c penstock; exit 0
            """,
            privileged=True,
        )
    )
    assert code == 0, output
    assert "SSL_CERT_FILE=/dev/penstock-ca-bundle.crt" in output
    assert "in-0" in output
    assert output.endswith("\n0\n"), output


async def test_published_ports_of_inner_containers_leave_awss_addresses_alone(
    tasks_with_registry: World,
) -> None:
    """Docker's rules for a published port take it on every address of the namespace."""
    tasks = tasks_with_registry
    ask = r"""
        curl -sS "http://169.254.170.2$AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"
        curl -sS https://sts.amazonaws.com/from-the-build
        curl -sS -o /dev/null -w 'registry %{http_code}\n' https://HOST/v2/
        curl -sS http://127.0.0.1/ -o /dev/null -w 'web %{http_code}\n'
        curl -sS http://127.0.0.1:443/ -o /dev/null -w 'web %{http_code}\n'
        docker run --rm python:3.11-slim python -c '
import urllib.request as u
print(u.urlopen("http://169.254.170.2/inner").read())
print(u.urlopen("https://sts.amazonaws.com/inner").read())'
    """.replace("HOST", HOST)
    script = f"""
        {START}
        exec 2>&1
        docker run -d -p 80:8000 -p 443:8000 python:3.11-slim python -m http.server 8000 || exit 1
        until curl -s http://127.0.0.1/ > /dev/null; do sleep 0.1; done
        {ask}
        echo again without the rules of Docker
        iptables -t nat -F
        kill $(cat /var/run/docker.pid)
        while [ -e /var/run/docker.pid ]; do sleep 0.1; done
        rm -f /var/run/docker.sock
        {START}
        docker run -d -p 80:8000 -p 443:8000 python:3.11-slim python -m http.server 8000 || exit 1
        until curl -s http://127.0.0.1/ > /dev/null; do sleep 0.1; done
        {ask}
    """
    spec = ContainerSpec("build", "penstock/build:1", ["/bin/sh", "-c", script], privileged=True)
    code, output = await tasks.run(
        TaskSpec("t1", "build", [spec], role_credentials_token="a-token")
    )
    assert code == 0, output
    for line in (
        "stand-in 169.254.170.2 /v2/credentials/a-token",
        "stand-in sts.amazonaws.com /from-the-build",
        "registry 401",
        "b'stand-in 169.254.170.2 /inner\\n'",
        "b'stand-in sts.amazonaws.com /inner\\n'",
    ):
        assert output.splitlines().count(line) == 2, output
    assert output.splitlines().count("web 200") == 4, output


async def test_the_registry_refuses_without_a_token(tasks_with_registry: World) -> None:
    tasks = tasks_with_registry
    code, output = await tasks.run(
        shell(
            "t1",
            f"""
            curl -sS -o /dev/null -w '%{{http_code}}\\n' -D - https://{HOST}/v2/app/manifests/1
            curl -sS -X POST -o /dev/null -w 'mirror %{{http_code}}\\n' \
                https://mirror.penstock.internal/v2/library/python/blobs/uploads/
            """,
        )
    )
    assert code == 0
    assert "401" in output
    realm = f'Bearer realm="https://api.ecr.{REGION}.amazonaws.com/_penstock/registry/token"'
    assert realm in output
    assert "mirror 405" in output or "mirror 404" in output


async def test_the_registry_stays_over_a_restart_and_keeps_its_port(
    tasks_with_registry: World,
) -> None:
    tasks = tasks_with_registry
    before = await tasks.engine.json("GET", f"containers/{tasks.registry.name}/json")
    address = tasks.registry.host_address
    await tasks.registry.ensure()
    after = await tasks.engine.json("GET", f"containers/{tasks.registry.name}/json")
    assert (after["Id"], tasks.registry.host_address) == (before["Id"], address)
    await tasks.registry.remove()
    await tasks.registry.ensure()
    assert tasks.registry.host_address == address


async def test_inner_containers_stay_within_the_builds_memory(tasks: World) -> None:
    code, output = await tasks.run(
        shell(
            "t1",
            START
            + """
            tar -C / -c bin lib lib64 usr/bin/head usr/bin/tail usr/bin/dash usr/lib64 \
                usr/lib/x86_64-linux-gnu/libc.so.6 usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2 \
                usr/bin/sh | docker import - small > /dev/null
            docker run --rm small sh -c 'head -c 50M /dev/zero | tail > /dev/null; echo little=$?'
            docker run --rm small sh -c 'head -c 900M /dev/zero | tail > /dev/null; echo much=$?'
            """,
            privileged=True,
            memory_bytes=500 * 1024 * 1024,
        )
    )
    assert code == 0, output
    assert "little=0" in output, output
    assert "much=137" in output, output


async def test_two_builds_of_one_project_side_by_side_then_a_warm_one(tasks: World) -> None:
    async def build(task_id: str, script: str) -> tuple[str, int, str]:
        volume = await tasks.runner.lease("arn:project", task_id)
        task = shell(
            task_id,
            START + script,
            privileged=True,
            mounts=[VolumeMount(volume, "/var/lib/docker")],
        )
        return volume, *await tasks.run(task)

    fill = (
        "tar -C / -c etc/hostname | docker import - kept > /dev/null;"
        "docker volume create left > /dev/null; docker create kept x > /dev/null; docker images"
    )
    first, second = await asyncio.gather(build("t1", fill), build("t2", fill))
    assert first[0] != second[0]
    for _, code, output in (first, second):
        assert code == 0, output
        assert "kept" in output
    warm, code, output = await build(
        "t3", "docker images; docker ps -aq | wc -l; docker volume ls -q | wc -l"
    )
    assert code == 0, output
    assert warm == min(first[0], second[0])
    assert "kept" in output
    assert output.endswith("0\n0\n"), output


async def test_docker_without_privileged_mode_does_not_start(tasks: World) -> None:
    code, output = await tasks.run(shell("t1", START + "docker info"))
    assert code == 9
    assert "is the build privileged?" in output
    code, output = await tasks.run(shell("t2", "docker info; echo $?"))
    assert "Cannot connect to the Docker daemon" in output


async def test_compose_runs_inside(tasks_with_registry: World) -> None:
    compose = {
        "version": "3",
        "services": {
            "web": {"image": "python:3.11-slim", "command": "python -m http.server 80"},
            "test": {
                "image": "python:3.11-slim",
                "depends_on": ["web"],
                "command": [
                    "python",
                    "-c",
                    (
                        "import time, urllib.request as u; time.sleep(2);"
                        "print(u.urlopen('http://web/').status,"
                        " u.urlopen('https://sts.amazonaws.com/inner').read())"
                    ),
                ],
            },
        },
    }
    code, output = await tasks_with_registry.run(
        shell(
            "t1",
            START
            + "mkdir /tmp/c && cd /tmp/c && cat > docker-compose.yml <<'END'\n"
            + json.dumps(compose)
            + "\nEND\ndocker-compose up --exit-code-from test; code=$?\n"
            + "docker compose down --timeout 1; exit $code",
            privileged=True,
        )
    )
    assert code == 0, output
    assert "200 b'stand-in sts.amazonaws.com /inner" in output


def _own_image(image: str, token: str) -> TaskSpec:
    spec = ContainerSpec("build", image, ["cat", "/nonce"], pull_credentials=token)
    return TaskSpec("t2", "build", [spec])
