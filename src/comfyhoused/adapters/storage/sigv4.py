"""Links that S3 accepts without credentials: AWS Signature Version 4 in the query.

Source: "Authenticating Requests: Using Query Parameters" in the Amazon S3 API reference; its
worked example is our test. Done here because obstore signs only the bare address, while our
links also say with which type and file name S3 is to answer.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote, urlsplit

_ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, and for which region."""

    access_key: str
    secret_key: str
    region: str

    def make_link(
        self, url: str, *, now: datetime, expires_in_seconds: int, parameters: Mapping[str, str]
    ) -> str:
        """Return the address with a signed query that allows one GET until it expires.

        `url` has no query and its path is percent-encoded; `parameters` go into the query.
        """
        timestamp = now.strftime("%Y%m%dT%H%M%SZ")
        scope = f"{timestamp[:8]}/{self.region}/s3/aws4_request"
        query = _make_query(
            {
                **parameters,
                "X-Amz-Algorithm": _ALGORITHM,
                "X-Amz-Credential": f"{self.access_key}/{scope}",
                "X-Amz-Date": timestamp,
                "X-Amz-Expires": str(expires_in_seconds),
                "X-Amz-SignedHeaders": "host",
            }
        )
        request_hash = hashlib.sha256(_make_request(url, query).encode()).hexdigest()
        message = "\n".join((_ALGORITHM, timestamp, scope, request_hash))
        return f"{url}?{query}&X-Amz-Signature={self._sign(scope, message)}"

    def _sign(self, scope: str, message: str) -> str:
        key = f"AWS4{self.secret_key}".encode()
        for part in scope.split("/"):
            key = _digest(key, part)
        return _digest(key, message).hex()


def _make_request(url: str, query: str) -> str:
    parts = urlsplit(url)
    return "\n".join(
        ("GET", parts.path, query, f"host:{parts.netloc}", "", "host", "UNSIGNED-PAYLOAD")
    )


def _make_query(parameters: Mapping[str, str]) -> str:
    pairs = sorted((quote(name, safe="~"), quote(v, safe="~")) for name, v in parameters.items())
    return "&".join(f"{name}={value}" for name, value in pairs)


def _digest(key: bytes, text: str) -> bytes:
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
