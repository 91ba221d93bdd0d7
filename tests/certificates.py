"""Certificates made for tests: an authority of our own on P-256, in plain Python.

Sources: SEC 1 (ECDSA, EC keys), FIPS 186-4 D.1.2.3 (the curve), RFC 5280 (certificates).
"""

import hashlib
import secrets
import ssl
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_Point = tuple[int, int]

_CURVE = "1.2.840.10045.3.1.7"
_EC_KEY = "1.2.840.10045.2.1"
_ECDSA_SHA256 = "1.2.840.10045.4.3.2"
_COMMON_NAME = "2.5.4.3"
_SUBJECT_KEY, _KEY_USAGE, _ALT_NAME, _BASIC, _AUTHORITY_KEY = (
    f"2.5.29.{number}" for number in (14, 15, 17, 19, 35)
)


@dataclass(frozen=True)
class Key:
    """A private key and its public point."""

    secret: int
    public: bytes

    @property
    def pem(self) -> str:
        parts = [_integer(1), _tlv(4, self.secret.to_bytes(32, "big")), _tlv(0xA0, _oid(_CURVE))]
        return _pem("EC PRIVATE KEY", _sequence(*parts, _tlv(0xA1, _bits(self.public))))

    @property
    def id(self) -> bytes:
        return hashlib.sha1(self.public).digest()

    def sign(self, content: bytes) -> bytes:
        digest = int.from_bytes(hashlib.sha256(content).digest(), "big")
        nonce = secrets.randbelow(_N - 1) + 1
        r = _multiply(nonce, _G)[0] % _N
        return _sequence(
            _integer(r), _integer(pow(nonce, -1, _N) * (digest + r * self.secret) % _N)
        )


class Authority:
    """Signs certificates for any name; nobody trusts it but who is told to."""

    def __init__(self, name: str = "an authority of the tests") -> None:
        self.name = name
        self._key = make_key()
        self.pem = self._certify(name, self._key, [_AUTHORITY_USAGE, _IS_AUTHORITY])

    def trust(self) -> ssl.SSLContext:
        """Return a client's context that believes this authority and no other."""
        return ssl.create_default_context(cadata=self.pem)

    def serve(self, folder: Path, names: Sequence[str], *, age_days: int = 0) -> ssl.SSLContext:
        """Return a server's context for names and addresses, from a certificate of 30 days."""
        key = make_key()
        alternatives = _sequence(*map(_write_alternative, names))
        extensions = [_extension(_ALT_NAME, alternatives)]
        path = folder / f"{secrets.token_hex(4)}.pem"
        path.write_text(self._certify(names[0], key, extensions, age_days=age_days) + key.pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context

    def _certify(self, name: str, key: Key, extensions: list[bytes], *, age_days: int = 0) -> str:
        start = datetime.now(UTC) - timedelta(days=age_days + 1)
        algorithm = _sequence(_oid(_ECDSA_SHA256))
        own = [_extension(_SUBJECT_KEY, _tlv(4, key.id))]
        own.append(_extension(_AUTHORITY_KEY, _sequence(_tlv(0x80, self._key.id))))
        content = _sequence(
            _tlv(0xA0, _integer(2)),
            _integer(secrets.randbits(63)),
            algorithm,
            _write_name(self.name),
            _sequence(_write_time(start), _write_time(start + timedelta(days=30))),
            _write_name(name),
            _sequence(_sequence(_oid(_EC_KEY), _oid(_CURVE)), _bits(key.public)),
            _tlv(0xA3, _sequence(*extensions, *own)),
        )
        return _pem("CERTIFICATE", _sequence(content, algorithm, _bits(self._key.sign(content))))


def make_key() -> Key:
    secret = secrets.randbelow(_N - 1) + 1
    x, y = _multiply(secret, _G)
    return Key(secret, b"\x04" + x.to_bytes(32, "big") + y.to_bytes(32, "big"))


def _multiply(factor: int, point: _Point) -> _Point:
    total: _Point | None = None
    while factor:
        if factor & 1:
            total = point if total is None else _add(total, point)
        point = _add(point, point)
        factor >>= 1
    assert total is not None
    return total


def _add(one: _Point, two: _Point) -> _Point:
    if one == two:
        slope = 3 * (one[0] ** 2 - 1) * pow(2 * one[1], -1, _P)
    else:
        slope = (two[1] - one[1]) * pow(two[0] - one[0], -1, _P)
    x = (slope**2 - one[0] - two[0]) % _P
    return x, (slope * (one[0] - x) - one[1]) % _P


def _tlv(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _sequence(*parts: bytes) -> bytes:
    return _tlv(0x30, b"".join(parts))


def _integer(value: int) -> bytes:
    return _tlv(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


def _bits(content: bytes) -> bytes:
    return _tlv(3, b"\0" + content)


def _oid(text: str) -> bytes:
    first, second, *rest = map(int, text.split("."))
    content = bytearray([first * 40 + second])
    for number in rest:
        digits = [number & 0x7F]
        while number := number >> 7:
            digits.append(number & 0x7F | 0x80)
        content += bytes(reversed(digits))
    return _tlv(6, bytes(content))


def _extension(kind: str, content: bytes, *, is_critical: bool = False) -> bytes:
    critical = [_tlv(1, b"\xff")] if is_critical else []
    return _sequence(_oid(kind), *critical, _tlv(4, content))


def _write_name(text: str) -> bytes:
    return _sequence(_tlv(0x31, _sequence(_oid(_COMMON_NAME), _tlv(0x0C, text.encode()))))


def _write_time(moment: datetime) -> bytes:
    return _tlv(0x17, moment.strftime("%y%m%d%H%M%SZ").encode())


def _write_alternative(name: str) -> bytes:
    try:
        return _tlv(0x87, ip_address(name).packed)
    except ValueError:
        return _tlv(0x82, name.encode())


def _pem(kind: str, content: bytes) -> str:
    return f"-----BEGIN {kind}-----\n{encodebytes(content).decode()}-----END {kind}-----\n"


_IS_AUTHORITY = _extension(_BASIC, _sequence(_tlv(1, b"\xff")), is_critical=True)
_AUTHORITY_USAGE = _extension(_KEY_USAGE, _tlv(3, b"\x01\x06"), is_critical=True)
