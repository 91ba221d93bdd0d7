"""What an API key looks like: `sk_live_…` or `sk_test_…`, 32 random bytes and a checksum.

By the checksum a mistyped or cut key is told apart without a look-up.
"""

import secrets
import zlib
from typing import Literal

KeyMode = Literal["live", "test"]

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECKSUM_LENGTH = 6
_RANDOM_LENGTH = 43  # digits that hold 32 bytes


def make_secret(mode: KeyMode) -> str:
    """Return a new key: prefix, 32 random bytes and a checksum, in base 62."""
    body = f"sk_{mode}_{_encode(int.from_bytes(secrets.token_bytes(32)), _RANDOM_LENGTH)}"
    return body + _make_checksum(body)


def is_well_formed(secret: str) -> bool:
    """Tell whether the text can be a key at all."""
    if not secret.startswith(("sk_live_", "sk_test_")) or not secret.isascii():
        return False
    body, checksum = secret[:-_CHECKSUM_LENGTH], secret[-_CHECKSUM_LENGTH:]
    return secrets.compare_digest(checksum, _make_checksum(body))


def _make_checksum(body: str) -> str:
    return _encode(zlib.crc32(body.encode()), _CHECKSUM_LENGTH)


def _encode(number: int, length: int) -> str:
    digits = ""
    while number or len(digits) < length:
        number, rest = divmod(number, 62)
        digits = _DIGITS[rest] + digits
    return digits
