from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID
from cryptography.x509.verification import PolicyBuilder, Store

from penstock.containers.certificates import Certificates

NOW = datetime(2026, 5, 1, tzinfo=UTC)


class Hand:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def verify(certificates: Certificates, host: str, at: datetime) -> None:
    ca = x509.load_pem_x509_certificate(certificates.ca_pem)
    leaf = x509.load_pem_x509_certificate(certificates.leaf.certificate_pem)
    verifier = PolicyBuilder().store(Store([ca])).time(at).build_server_verifier(x509.DNSName(host))
    verifier.verify(leaf, [])


@pytest.mark.parametrize(
    "host",
    [
        "codepipeline.eu-west-1.amazonaws.com",
        "sts.amazonaws.com",
        "api.ecr.eu-west-1.amazonaws.com",
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
        "bucket.s3.amazonaws.com",
        "bucket.s3.eu-west-1.amazonaws.com",
        "lambda.eu-west-1.api.aws",
        "mirror.penstock.internal",
        "localhost",
        # Other regions' too: what is refused there is said by AWS's error, not by TLS.
        "sqs.us-west-2.amazonaws.com",
        "us-west-2.queue.amazonaws.com",
        "api.ecr.ap-southeast-2.amazonaws.com",
        "123456789012.dkr.ecr.us-east-1.amazonaws.com",
        "bucket.s3.us-gov-west-1.amazonaws.com",
        "s3.cn-north-1.amazonaws.com.cn",
        "lambda.us-west-2.api.aws",
    ],
)
def test_the_leaf_answers_for_awss_names(tmp_path: Path, host: str) -> None:
    verify(Certificates(tmp_path, "eu-west-1", Hand()), host, NOW)


def test_the_leaf_is_small_enough_for_one_tls_record(tmp_path: Path) -> None:
    leaf = x509.load_pem_x509_certificate(
        Certificates(tmp_path, "eu-west-1", Hand()).leaf.certificate_pem
    )
    assert len(leaf.public_bytes(Encoding.DER)) < 12_000


def test_a_region_that_nobody_knows_is_covered(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path, "xx-moon-1", Hand())
    verify(certificates, "api.ecr.xx-moon-1.amazonaws.com", NOW)
    verify(certificates, "lambda.xx-moon-1.api.aws", NOW)


def test_the_leaf_answers_for_no_other_name(tmp_path: Path) -> None:
    with pytest.raises(x509.verification.VerificationError):
        verify(Certificates(tmp_path, "eu-west-1", Hand()), "example.com", NOW)


def test_the_ca_is_made_once_and_keys_are_the_owners_alone(tmp_path: Path) -> None:
    first = Certificates(tmp_path, "us-east-1", Hand())
    ca, leaf = first.ca_pem, first.leaf.certificate_pem
    second = Certificates(tmp_path, "us-east-1", Hand())
    assert (second.ca_pem, second.leaf.certificate_pem) == (ca, leaf)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.key")} == {0o600}


def test_the_leaf_is_renewed_thirty_days_before_its_end(tmp_path: Path) -> None:
    clock = Hand()
    certificates = Certificates(tmp_path, "us-east-1", clock)
    first = certificates.leaf.certificate_pem
    clock.now = NOW + timedelta(days=397 - 31)
    assert certificates.leaf.certificate_pem == first
    clock.now = NOW + timedelta(days=397 - 29)
    assert certificates.leaf.certificate_pem != first
    verify(certificates, "sts.amazonaws.com", clock.now + timedelta(days=300))


def test_another_region_gets_another_leaf_from_the_same_ca(tmp_path: Path) -> None:
    ca = Certificates(tmp_path, "us-east-1", Hand()).ca_pem
    moved = Certificates(tmp_path, "eu-west-1", Hand())
    verify(moved, "api.ecr.eu-west-1.amazonaws.com", NOW)
    assert moved.ca_pem == ca


def test_a_crash_between_key_and_certificate_is_repaired(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path, "us-east-1", Hand())
    pair = certificates.registry_signing
    pair.certificate.unlink()
    repaired = Certificates(tmp_path, "us-east-1", Hand()).registry_signing
    public = x509.load_pem_x509_certificate(repaired.certificate_pem).public_key()
    assert b"PRIVATE KEY" in repaired.key_pem
    assert public is not None


def test_the_load_balancers_control_has_a_certificate_for_clients_only(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path, "us-east-1", Hand())
    pair = certificates.load_balancer_control
    certificate = x509.load_pem_x509_certificate(pair.certificate_pem)
    usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usages) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    ca = x509.load_pem_x509_certificate(certificates.ca_pem)
    certificate.verify_directly_issued_by(ca)
    assert certificates.load_balancer_control.certificate_pem == pair.certificate_pem
