"""Signatures of links and digests of secrets."""

import hashlib
import hmac


def make_signature(secret: bytes, message: str) -> str:
    """Return the HMAC-SHA256 of the message as 64 hex digits."""
    return hmac.new(secret, message.encode(), hashlib.sha256).hexdigest()


def is_signature_valid(secret: bytes, message: str, signature: str) -> bool:
    """Compare in constant time."""
    # As bytes: what strangers send may hold letters that a comparison of texts refuses.
    return hmac.compare_digest(make_signature(secret, message).encode(), signature.encode())


def make_digest(secret_text: str) -> str:
    """Return SHA-256 in hex: how a secret of full entropy is stored."""
    return hashlib.sha256(secret_text.encode()).hexdigest()


def make_keyed_name(secret: bytes, *parts: str) -> str:
    """Return 32 hex digits that only the holder of the secret can derive from the parts."""
    return make_signature(secret, "\x1f".join(parts))[:32]
