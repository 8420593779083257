"""What the host trusts and how it reaches the network, handed into Tasks and image builds.

Networks that inspect TLS give their hosts a CA bundle of their own; a build that lacks it
cannot reach PyPI. Inside a Task the bundle also holds the CA that signs the server's
certificate for AWS's names, and environment variables point the usual tools at it.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path

from penstock.containers.certificates import Certificates
from penstock.containers.task import File

BUNDLE_PATH = "/etc/penstock/ca-bundle.crt"
_INNER_ENVIRONMENT_PATH = "/etc/penstock/inner-environment.json"
_INNER_BUNDLE_PATH = "/dev/penstock-ca-bundle.crt"
"""Where the build image's runc wrapper mounts the bundle in a build's own containers."""

_BUNDLE_VARIABLES = (
    "AWS_CA_BUNDLE",
    "SSL_CERT_FILE",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
)
_HOST_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
_PROXY_VARIABLES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_NEVER_PROXIED = "localhost,127.0.0.1,169.254.170.2,169.254.170.3,amazonaws.com,.amazonaws.com"
_PIP_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST")
_NPM_VARIABLES = ("NPM_CONFIG_REGISTRY", "npm_config_registry")


class Trust:
    """The files and variables that every container of a Task gets."""

    def __init__(self, certificates: Certificates) -> None:
        self._certificates = certificates

    @property
    def ca_pem(self) -> bytes:
        """The instance's own CA."""
        return self._certificates.ca_pem

    def files_and_environment(self) -> tuple[list[File], dict[str, str]]:
        """Return what to put into a container, and the variables that point at it.

        The image's variables give way to these, and these to the Task's own.
        """
        bundle = host_bundle().rstrip(b"\n") + b"\n" + self._certificates.ca_pem
        inner = json.dumps(host_environment(_INNER_BUNDLE_PATH)).encode()
        files = [File(BUNDLE_PATH, bundle), File(_INNER_ENVIRONMENT_PATH, inner)]
        return files, host_environment(BUNDLE_PATH)


def host_bundle(environment: Mapping[str, str] = os.environ) -> bytes:
    """Return this host's CA bundle in PEM; empty when the host has none."""
    named = environment.get("SSL_CERT_FILE")
    for path in [*([named] if named else []), *_HOST_BUNDLES]:
        if Path(path).is_file():
            return Path(path).read_bytes()
    return b""


def host_environment(
    bundle_path: str, environment: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Return variables that point tools at `bundle_path`, the host's proxies and its indexes.

    Settings that mean something on this host alone (file: URLs) are left out.
    """
    found = dict.fromkeys(_BUNDLE_VARIABLES, bundle_path)
    for name in (*_PIP_VARIABLES, *_NPM_VARIABLES):
        value = environment.get(name, "")
        if value and "file:" not in value:
            found[name] = value
    proxied = False
    for upper in _PROXY_VARIABLES:
        value = environment.get(upper) or environment.get(upper.lower()) or ""
        if value:
            found[upper] = found[upper.lower()] = value
            proxied = True
    if proxied:
        kept = environment.get("NO_PROXY") or environment.get("no_proxy") or ""
        found["NO_PROXY"] = found["no_proxy"] = ",".join(filter(None, [kept, _NEVER_PROXIED]))
    return found
