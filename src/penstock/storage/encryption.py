"""Encryption at rest of secret values: AES-256-GCM (docs/adr/0041-encryption-at-rest.md).

The database holds ciphertext only; the key is a file of its own (`--key-file`). It is a Fernet key
(cryptography.io), and what was stored as Fernet tokens, without our prefix, still decrypts.
"""

import base64
import os
from binascii import a2b_base64, b2a_base64  # half the time of base64's functions
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from penstock.errors import EngineError
from penstock.storage.durable_files import write_file

_PREFIX = "gcm."  # with a dot, which no Fernet token has
_NONCE_BYTES = 12
_DERIVED_FOR = b"penstock encryption at rest: AES-256-GCM"


class Cipher:
    """Encrypts and decrypts text with the key of one file."""

    def __init__(self, key: bytes, key_path: Path) -> None:
        try:
            self._fernet = Fernet(key)
        except ValueError as error:
            raise EngineError(
                f"expected 32 bytes in URL-safe base64 in the key file {key_path}, found "
                "something else; restore the key file that this data directory was made with",
                retryable=False,
            ) from error
        derived = HKDF(SHA256(), length=32, salt=None, info=_DERIVED_FOR)
        self._gcm = AESGCM(derived.derive(base64.urlsafe_b64decode(key)))
        self._key_path = key_path

    @classmethod
    def open(cls, key_path: Path) -> "Cipher":
        """Read the key, making a new one (readable by the owner alone) when the file is absent."""
        if not key_path.exists():
            key_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(key_path, Fernet.generate_key() + b"\n")
        return cls(key_path.read_bytes().strip(), key_path)

    def encrypt(self, text: str) -> str:
        """Return ciphertext in ASCII; equal texts give different ciphertexts."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + self._gcm.encrypt(nonce, text.encode(), None)
        return _PREFIX + b2a_base64(sealed, newline=False).decode("ascii")

    def decrypt(self, token: str) -> str:
        """Return what `encrypt` was given; EngineError when it was another key's work."""
        try:
            if not token.startswith(_PREFIX):
                return self._fernet.decrypt(token.encode("ascii")).decode()
            sealed = a2b_base64(token[len(_PREFIX) :])
            nonce, ciphertext = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
            return self._gcm.decrypt(nonce, ciphertext, None).decode()
        except (InvalidTag, InvalidToken, ValueError) as error:
            raise EngineError(
                f"a stored secret does not decrypt with the key file {self._key_path}; expected "
                "the key it was encrypted with; start with that key (--key-file)",
                retryable=False,
            ) from error
