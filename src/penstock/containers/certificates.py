"""The instance's own CA, the certificate for AWS's names inside Tasks, and the key that signs
registry tokens.

The CA is made once and kept in the data directory; only Tasks trust it. The leaf certificate
is renewed before it ends. Keys are ECDSA P-256: small, quick, and read by every TLS library.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path

from botocore.loaders import Loader
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from penstock.clock import Clock

_CA_DAYS = 20 * 365
_LEAF_DAYS = 397
_RENEW_BEFORE = timedelta(days=30)
_BACKDATED = timedelta(hours=1)
"""Clocks of containers and hosts differ a little."""

_PARENTS = (
    *("connect", "detective", "dkr.ecr", "dynamodb", "ecr", "ecr-public", "execute-api", "iot"),
    *("lex", "marketplace", "mediastore", "pricing", "sagemaker", "sso", "timestream"),
)
"""Second labels of host names with two before the region (`api.ecr`), which a wildcard of the
region does not cover. Source: botocore's endpoints.json."""

_PARENTS_ELSEWHERE = ("dkr.ecr", "ecr")
"""Those that the certificate also has for other regions, where nothing is served: there a
client is to read AWS's refusal instead of failing at TLS. All of them would make it too long."""
_BEHIND_A_REGION = ("elasticmapreduce", "queue")
"""Services with old names such as `eu-west-1.queue.amazonaws.com`, which the aws CLI uses still."""
_DOMAINS = ("amazonaws.com", "amazonaws.com.cn")
"""What a Task resolves to its sandbox."""

MIRROR_HOST = "mirror.penstock.internal"
"""The name under which a build's own Docker daemon finds the mirror of base images."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A certificate and its private key, both PEM files."""

    certificate: Path
    key: Path

    @property
    def certificate_pem(self) -> bytes:
        """The certificate's PEM text."""
        return self.certificate.read_bytes()

    @property
    def key_pem(self) -> bytes:
        """The private key's PEM text (PKCS 8, not encrypted)."""
        return self.key.read_bytes()


class Certificates:
    """The key pairs in `directory`, made when first asked for. One process uses it at a time."""

    def __init__(self, directory: Path, region: str, clock: Clock) -> None:
        self._directory = directory
        self._region = region
        self._clock = clock

    @property
    def ca(self) -> KeyPair:
        """The authority that signs `leaf`; made once."""
        pair = self._pair("ca")
        if not pair.certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            name = _name("Penstock local CA")
            builder = self._builder(name, name, key.public_key(), _CA_DAYS)
            builder = builder.add_extension(
                x509.BasicConstraints(ca=True, path_length=0), critical=True
            ).add_extension(_usage(signs_certificates=True), critical=True)
            _save(pair, builder.sign(key, hashes.SHA256()), key)
        return pair

    @property
    def ca_pem(self) -> bytes:
        """The CA's certificate, for those who are to trust it."""
        return self.ca.certificate_pem

    @property
    def leaf(self) -> KeyPair:
        """The certificate for AWS's names; a new one when it ends within 30 days."""
        pair = self._pair("leaf")
        if pair.certificate.exists() and self._still_good(pair):
            return pair
        names = self._alternative_names()
        self._sign(pair, "Penstock", ExtendedKeyUsageOID.SERVER_AUTH, names)
        return pair

    @property
    def load_balancer_control(self) -> KeyPair:
        """The certificate with which the server steers its load balancer, and no other user of
        this machine does; a new one when it ends within 30 days."""
        pair = self._pair("load-balancer-control")
        if not (pair.certificate.exists() and self._lasts(pair)):
            self._sign(pair, "Penstock load balancer control", ExtendedKeyUsageOID.CLIENT_AUTH)
        return pair

    @property
    def registry_signing(self) -> KeyPair:
        """The self-signed pair whose key signs registry tokens (ES256) and which the registry
        holds as its root: a token's `x5c` header is this very certificate."""
        pair = self._pair("registry-signing")
        if not pair.certificate.exists():
            key = ec.generate_private_key(ec.SECP256R1())
            name = _name("Penstock registry tokens")
            builder = self._builder(name, name, key.public_key(), _CA_DAYS).add_extension(
                x509.BasicConstraints(ca=True, path_length=0), critical=True
            )
            _save(pair, builder.sign(key, hashes.SHA256()), key)
        return pair

    def _pair(self, name: str) -> KeyPair:
        return KeyPair(self._directory / f"{name}.crt", self._directory / f"{name}.key")

    def _still_good(self, pair: KeyPair) -> bool:
        certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        return self._lasts(pair) and names == self._alternative_names()

    def _lasts(self, pair: KeyPair) -> bool:
        certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
        return certificate.not_valid_after_utc - self._clock() > _RENEW_BEFORE

    def _sign(
        self,
        pair: KeyPair,
        common_name: str,
        usage: x509.ObjectIdentifier,
        names: x509.SubjectAlternativeName | None = None,
    ) -> None:
        """Make a key and a certificate of the CA's for one usage."""
        ca = self.ca
        ca_key = serialization.load_pem_private_key(ca.key_pem, password=None)
        assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
        ca_certificate = x509.load_pem_x509_certificate(ca.certificate_pem)
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _name(common_name)
        builder = (
            self._builder(subject, ca_certificate.subject, key.public_key(), _LEAF_DAYS)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()),
                critical=False,
            )
        )
        if names is not None:
            builder = builder.add_extension(names, critical=False)
        _save(pair, builder.sign(ca_key, hashes.SHA256()), key)

    def _alternative_names(self) -> x509.SubjectAlternativeName:
        own = f"{self._region}.{_regions().get(self._region, _DOMAINS[0])}"
        regions = sorted({own, *(f"{name}.{domain}" for name, domain in _regions().items())})
        dns = _wildcards([*_DOMAINS, *regions], ("s3",))
        dns += [f"*.{service}.{domain}" for domain in _DOMAINS for service in _BEHIND_A_REGION]
        dns += _wildcards(["api.aws", *(f"{name.partition('.')[0]}.api.aws" for name in regions)])
        for suffix in regions:
            parents = _PARENTS if suffix == own else _PARENTS_ELSEWHERE
            dns += [f"*.{parent}.{suffix}" for parent in parents]
        dns += [MIRROR_HOST, "localhost"]
        return x509.SubjectAlternativeName(
            [*(x509.DNSName(name) for name in dns), x509.IPAddress(ip_address("127.0.0.1"))]
        )

    def _builder(
        self, subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
    ) -> x509.CertificateBuilder:
        now: datetime = self._clock().astimezone(UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + timedelta(days=days))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
        )


def _wildcards(suffixes: Iterable[str], parents: Iterable[str] = ()) -> list[str]:
    """Return `*.suffix` and `*.parent.suffix` of all."""
    parents = [f"{parent}." for parent in parents]
    return [f"*.{parent}{suffix}" for suffix in suffixes for parent in ("", *parents)]


@cache
def _regions() -> Mapping[str, str]:
    """Return AWS's regions, as far as botocore knows them, and each one's domain."""
    partitions = Loader().load_data("endpoints")["partitions"]
    return {
        region: partition["dnsSuffix"]
        for partition in partitions
        if partition["dnsSuffix"] in _DOMAINS
        for region in partition["regions"]
    }


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _save(pair: KeyPair, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """Write the key before the certificate: where the certificate is, its key is too."""
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pair.certificate.unlink(missing_ok=True)
    _write(pair.key, key_pem)
    _write(pair.certificate, certificate.public_bytes(serialization.Encoding.PEM))


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(descriptor, "wb") as file:
        file.write(content)
        os.fsync(file.fileno())
    temporary.rename(path)
