"""Small secrets of others, sealed before they are stored: AES-256-GCM.

A sealed text says by which key it was sealed, so that keys can be changed while the house runs:
put a new key before the old one, let a chore seal everything anew, then take the old one away.
`context` names the row that the text belongs to. It is not stored, but a text that was moved to
another row does not open there.

    1 byte form · 4 bytes name of the key · 12 bytes nonce · the rest: ciphertext and tag
"""

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
_FORM = b"\x01"
_NAME_BYTES = 4
_NONCE_BYTES = 12
_HEAD_BYTES = len(_FORM) + _NAME_BYTES + _NONCE_BYTES


class VaultLocked(Exception):
    """A sealed text that none of our keys opens here: a key is missing, or it was tampered with."""


class VaultKeyInvalid(ValueError):
    """A key is not 32 bytes written as base64."""


class Vault:
    """Seals with the first key, opens with all of them. Needs at least one key of 32 bytes."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise VaultKeyInvalid("no key")
        if any(len(key) != KEY_BYTES for key in keys):
            raise VaultKeyInvalid(f"a key is not {KEY_BYTES} bytes")
        self._ciphers = {_name_key(key): AESGCM(key) for key in reversed(keys)}
        self._head = _FORM + _name_key(keys[0])

    def __repr__(self) -> str:
        return f"Vault({len(self._ciphers)} keys)"

    @property
    def head(self) -> bytes:
        """What everything begins with that is sealed now; what begins otherwise is old."""
        return self._head

    def seal(self, text: str, context: str) -> bytes:
        """Return the text, sealed for that context."""
        nonce = os.urandom(_NONCE_BYTES)
        cipher = self._ciphers[self._head[len(_FORM) :]]
        return self._head + nonce + cipher.encrypt(nonce, text.encode(), context.encode())

    def open(self, blob: bytes, context: str) -> str:
        """Return the text; raises VaultLocked for what was sealed otherwise or elsewhere."""
        if len(blob) < _HEAD_BYTES or blob[:1] != _FORM:
            raise VaultLocked("not sealed by us")
        name, nonce = blob[1 : 1 + _NAME_BYTES], blob[1 + _NAME_BYTES : _HEAD_BYTES]
        cipher = self._ciphers.get(name)
        if cipher is None:
            raise VaultLocked("sealed with a key that is not here")
        try:
            return cipher.decrypt(nonce, blob[_HEAD_BYTES:], context.encode()).decode()
        except InvalidTag as error:
            raise VaultLocked("changed, or moved here from elsewhere") from error

    def is_current(self, blob: bytes) -> bool:
        """Tell whether it was sealed with the key that seals now."""
        return blob.startswith(self._head)


def read_key(text: str) -> bytes:
    """Return the key that is written as base64 (of either alphabet); raises VaultKeyInvalid."""
    try:
        plain = text.strip().translate(str.maketrans("-_", "+/"))
        key = base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise VaultKeyInvalid("a key is not written as base64") from error
    if len(key) != KEY_BYTES:
        raise VaultKeyInvalid(f"a key is {len(key)} bytes long, not {KEY_BYTES}")
    return key


def derive_key(secret: bytes, purpose: str) -> bytes:
    """Return a key that follows from the house's secret: for development, where none is named."""
    return HKDF(hashes.SHA256(), KEY_BYTES, salt=None, info=purpose.encode()).derive(secret)


def _name_key(key: bytes) -> bytes:
    return hashlib.sha256(b"comfyhouse vault key\x1f" + key).digest()[:_NAME_BYTES]
