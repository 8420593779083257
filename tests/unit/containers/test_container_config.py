import json
from typing import Any

from penstock.containers.container_config import container_config, inner_docker_files
from penstock.containers.privileges import unconfined
from penstock.containers.sandbox import TaskEndpoints
from penstock.containers.task import (
    NO_HEALTH_CHECK,
    ContainerSpec,
    HealthCheck,
    TaskSpec,
    Ulimit,
    VolumeMount,
)


def describe(spec: ContainerSpec, **changes: Any) -> dict[str, Any]:
    task = TaskSpec("t1", "build", [spec], role_credentials_token=changes.pop("token", None))
    return container_config(
        task,
        spec,
        image="image",
        image_environment=changes.pop("image_environment", ()),
        trusted_environment=changes.pop("trusted", {}),
        sandbox="the-sandbox",
        labels={"penstock.task": "t1"},
        privileged=changes.pop("privileged", None),
    )


def spec(**changes: Any) -> ContainerSpec:
    return ContainerSpec("build", "image", ["/bin/sh", "agent.sh"], **changes)


def test_the_command_replaces_entrypoint_and_command() -> None:
    config = describe(spec())
    assert config["Entrypoint"] == ["/bin/sh", "agent.sh"]
    assert config["Cmd"] == []
    assert "WorkingDir" not in config
    assert "User" not in config


def test_without_a_command_entrypoint_and_arguments_are_the_images_unless_given() -> None:
    own = describe(ContainerSpec("web", "image"))
    assert "Entrypoint" not in own
    assert "Cmd" not in own
    config = describe(ContainerSpec("web", "image", entrypoint=["/e"], arguments=["a"]))
    assert (config["Entrypoint"], config["Cmd"]) == (["/e"], ["a"])


def test_a_health_check_in_the_engines_nanoseconds() -> None:
    assert "Healthcheck" not in describe(spec())
    config = describe(spec(health_check=HealthCheck(("CMD", "x"), 10, 2, 4, 1)))
    assert config["Healthcheck"] == {
        "Test": ["CMD", "x"], "Interval": 10**10, "Timeout": 2 * 10**9, "Retries": 4,
        "StartPeriod": 10**9,
    }  # fmt: skip
    assert describe(spec(health_check=NO_HEALTH_CHECK))["Healthcheck"]["Test"] == ["NONE"]


def test_what_else_a_container_may_ask_for() -> None:
    config = describe(
        spec(
            read_only_root=True, init=True, interactive=True, tmpfs={"/tmp": "size=1m"},
            ulimits=[Ulimit("nofile", 1, 2)], cpu_shares=5, memory_reservation_bytes=6,
            shared_memory_bytes=7, dropped_capabilities=["NET_RAW"], labels={"a": "b"},
        )
    )  # fmt: skip
    host = config["HostConfig"]
    assert host["Ulimits"] == [{"Name": "nofile", "Soft": 1, "Hard": 2}]
    assert (host["CpuShares"], host["MemoryReservation"], host["ShmSize"]) == (5, 6, 7)
    assert (host["ReadonlyRootfs"], host["Init"], host["Tmpfs"]) == (
        True,
        True,
        {"/tmp": "size=1m"},
    )
    assert host["CapDrop"] == ["NET_RAW"]
    assert config["OpenStdin"] is True
    assert config["Labels"] == {"a": "b", "penstock.task": "t1"}


def test_the_network_is_the_sandboxs_and_output_is_never_rotated() -> None:
    host = describe(spec())["HostConfig"]
    assert host["NetworkMode"] == "container:the-sandbox"
    assert host["LogConfig"]["Type"] == "json-file"
    assert host["LogConfig"]["Config"]["max-file"] == "1"
    assert "RestartPolicy" not in host


def test_limits_leave_no_swap() -> None:
    host = describe(spec(memory_bytes=3 * 1024**3, cpus=1.5))["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 3 * 1024**3
    assert host["NanoCpus"] == 1_500_000_000


def test_processes_have_a_limit_whatever_the_privileges() -> None:
    """Locks: a build that forks for ever took the processes of the whole host."""
    for privileged in (None, unconfined(["SYS_RESOURCE"])):
        host = describe(spec(privileged=bool(privileged)), privileged=privileged)["HostConfig"]
        assert host["PidsLimit"] == 16_384


def test_a_container_may_have_fewer_processes_and_get_no_privileges() -> None:
    host = describe(spec(most_processes=1024, no_new_privileges=True))["HostConfig"]
    assert host["PidsLimit"] == 1024
    assert host["SecurityOpt"] == ["no-new-privileges"]
    assert "SecurityOpt" not in describe(spec())["HostConfig"]


def test_variables_give_way_in_order() -> None:
    config = describe(
        spec(environment={"C": "spec", "AWS_X": "a=b"}),
        image_environment=["A=image", "B=image", "C=image"],
        trusted={"B": "trust", "C": "trust"},
        token="secret",
    )
    assert config["Env"] == [
        "A=image",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/credentials/secret",
        "AWS_X=a=b",
        "B=trust",
        "C=spec",
    ]


def test_no_role_no_credentials_address() -> None:
    assert describe(spec())["Env"] == []


def test_a_privileged_container_keeps_dockers_data_off_its_own_root() -> None:
    privileged = unconfined(["SYS_RESOURCE"])
    bare = describe(spec(privileged=True), privileged=privileged)
    assert bare["Volumes"] == {"/var/lib/docker": {}}
    assert bare["HostConfig"]["CapDrop"] == ["SYS_RESOURCE"]
    assert bare["HostConfig"]["CgroupnsMode"] == "private"
    leased = describe(
        spec(privileged=True, mounts=[VolumeMount("cache", "/var/lib/docker")]),
        privileged=privileged,
    )
    assert "Volumes" not in leased
    assert leased["HostConfig"]["Mounts"] == [
        {"Type": "volume", "Source": "cache", "Target": "/var/lib/docker", "ReadOnly": False}
    ]


def test_an_inner_daemon_trusts_the_registry_and_knows_its_mirror() -> None:
    endpoints = TaskEndpoints("g", 1, 2, "ecr.example", registry_port=3, mirror_port=4)
    files = {file.path: file.content for file in inner_docker_files(endpoints, b"CA")}
    assert files["/etc/docker/certs.d/ecr.example/ca.crt"] == b"CA"
    assert files["/etc/docker/certs.d/mirror.penstock.internal/ca.crt"] == b"CA"
    daemon = json.loads(files["/etc/docker/daemon.json"])
    assert daemon == {"registry-mirrors": ["https://mirror.penstock.internal"]}


def test_where_public_registries_answer_there_is_no_mirror() -> None:
    endpoints = TaskEndpoints("g", 1, 2, "ecr.example", registry_port=3)
    files = {file.path: file.content for file in inner_docker_files(endpoints, b"CA")}
    assert json.loads(files["/etc/docker/daemon.json"]) == {}
    assert not any("mirror" in path for path in files)


def test_output_is_kept_whole_unless_the_container_says_how_much() -> None:
    assert describe(spec())["HostConfig"]["LogConfig"]["Config"]["max-size"] == "1000p"
    kept = describe(spec(most_log_bytes=1_048_576))["HostConfig"]["LogConfig"]
    assert kept["Type"] == "json-file"
    assert kept["Config"]["max-size"] == "1048576"
    assert kept["Config"]["max-file"] == "1"
