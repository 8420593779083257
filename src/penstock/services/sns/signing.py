"""The key that signs messages, and its certificate, which the server hands out.

RSA, as AWS's receivers expect: SHA-1 for signature version 1, SHA-256 for 2. Kept in the data
directory; a server that starts in the certificate's last month makes a new pair.
"""

import base64
import hashlib
import threading
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from penstock.clock import Clock
from penstock.storage.durable_files import write_file

CERTIFICATE_PATH = "/_penstock/sns/{name}"
"""Where the server hands out the certificate."""
_BITS = 2048
_EXPONENT = 65537
_DAYS = 5 * 365
_RENEW_BEFORE = timedelta(days=30)
_BACKDATED = timedelta(hours=1)
_HASHES: dict[str, hashes.HashAlgorithm] = {"1": hashes.SHA1(), "2": hashes.SHA256()}  # noqa: S303


class Signer:
    """Signs with the key pair in `directory`, made at the first use, which takes a moment: use it
    in a thread. Safe from several."""

    def __init__(self, directory: Path, clock: Clock) -> None:
        self._path = directory / "sns-signing.pem"
        self._clock = clock
        self._making = threading.Lock()
        self._pair: tuple[rsa.RSAPrivateKey, bytes] | None = None

    @property
    def certificate_pem(self) -> bytes:
        """The certificate's PEM text."""
        return self._used()[1]

    @property
    def certificate_name(self) -> str:
        """The certificate's file name, which changes with it."""
        digest = hashlib.md5(self.certificate_pem, usedforsecurity=False).hexdigest()
        return f"SimpleNotificationService-{digest}.pem"

    def certificate_url(self, endpoint_url: str) -> str:
        """Return where receivers find the certificate."""
        return endpoint_url + CERTIFICATE_PATH.format(name=self.certificate_name)

    def sign(self, content: bytes, version: str) -> str:
        """Return the signature in base 64; `version` is a topic's SignatureVersion."""
        signature = self._used()[0].sign(content, padding.PKCS1v15(), _HASHES[version])
        return base64.b64encode(signature).decode()

    def _used(self) -> tuple[rsa.RSAPrivateKey, bytes]:
        with self._making:
            if self._pair is None:
                self._pair = self._kept() or self._made()
            return self._pair

    def _kept(self) -> tuple[rsa.RSAPrivateKey, bytes] | None:
        """Return the pair in the file, None when there is none or it ends soon."""
        if not self._path.exists():
            return None
        content = self._path.read_bytes()
        key = serialization.load_pem_private_key(content, password=None)
        certificate = x509.load_pem_x509_certificate(content)
        if certificate.not_valid_after_utc - self._clock() <= _RENEW_BEFORE:
            return None
        assert isinstance(key, rsa.RSAPrivateKey)
        return key, certificate.public_bytes(serialization.Encoding.PEM)

    def _made(self) -> tuple[rsa.RSAPrivateKey, bytes]:
        key = rsa.generate_private_key(_EXPONENT, _BITS)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Penstock notifications")])
        now = self._clock()
        certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _BACKDATED)
            .not_valid_after(now + timedelta(days=_DAYS))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        ).public_bytes(serialization.Encoding.PEM)
        private = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        write_file(self._path, private + certificate, 0o600)
        return key, certificate
