"""What a build must remember over a restart and must not show: kept encrypted with its row."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from penstock.storage.encryption import Cipher


@dataclass(frozen=True, slots=True)
class Sealed:
    """A build's Task token, the nonce of its agent's records, and the values to hide."""

    token: str
    nonce: str
    secrets: Sequence[str] = ()

    def seal(self, cipher: Cipher) -> str:
        """Return the encrypted form."""
        return cipher.encrypt(json.dumps(asdict(self)))

    @classmethod
    def open(cls, sealed: str, cipher: Cipher) -> "Sealed":
        """Read what `seal` wrote."""
        return cls(**json.loads(cipher.decrypt(sealed)))
