"""Links: ours are signed as a whole, S3's as Amazon's own example demands."""

from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest

from comfyhoused.adapters.storage.links import LinkExpired, LinkInvalid, LinkTerms, verify_link
from comfyhoused.adapters.storage.local import LocalStorage
from comfyhoused.adapters.storage.sigv4 import Signer

SECRET = b"a secret of the house"


async def make_link(tmp_path: Path, *, seconds: int = 60) -> tuple[str, dict[str, str]]:
    """Return key and parameters of a fresh link, as a route would see them."""
    link = await LocalStorage(tmp_path, SECRET).make_link(
        "jobs/1/0.png",
        expires_in_seconds=seconds,
        content_type="image/png",
        filename="Straße & Meer.png",
        public_url="https://api.example.com/",
        etag="abc",
    )
    parts = urlsplit(link)
    assert f"{parts.scheme}://{parts.netloc}" == "https://api.example.com"
    assert parts.path == "/files/raw/jobs/1/0.png"
    return "jobs/1/0.png", dict(parse_qsl(parts.query, keep_blank_values=True))


async def test_a_link_says_how_to_serve_the_file(tmp_path: Path) -> None:
    key, parameters = await make_link(tmp_path)
    terms = verify_link(SECRET, key, parameters)
    assert terms == LinkTerms(int(parameters["expires"]), "image/png", "Straße & Meer.png", "abc")


@pytest.mark.parametrize("name", ["expires", "type", "name", "etag", "signature"])
async def test_a_changed_link_is_refused(tmp_path: Path, name: str) -> None:
    key, parameters = await make_link(tmp_path)
    with pytest.raises(LinkInvalid):
        verify_link(SECRET, key, {**parameters, name: parameters[name] + "1"})
    del parameters[name]
    with pytest.raises(LinkInvalid):
        verify_link(SECRET, key, parameters)


async def test_a_link_is_good_for_one_file_and_one_secret(tmp_path: Path) -> None:
    key, parameters = await make_link(tmp_path)
    with pytest.raises(LinkInvalid):
        verify_link(SECRET, "jobs/1/1.png", parameters)
    with pytest.raises(LinkInvalid):
        verify_link(b"another secret", key, parameters)


async def test_a_link_expires(tmp_path: Path) -> None:
    key, parameters = await make_link(tmp_path, seconds=0)
    with pytest.raises(LinkExpired):
        verify_link(SECRET, key, parameters)


@pytest.mark.parametrize("expires", ["", "soon", "1e9", "٣"])
async def test_an_unreadable_expiry_is_refused(tmp_path: Path, expires: str) -> None:
    key, parameters = await make_link(tmp_path)
    with pytest.raises(LinkInvalid):
        verify_link(SECRET, key, {**parameters, "expires": expires})


def test_s3_links_agree_with_amazons_example() -> None:
    """The worked example of "Authenticating Requests: Using Query Parameters"."""
    signer = Signer("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1")
    link = signer.make_link(
        "https://examplebucket.s3.amazonaws.com/test.txt",
        now=datetime(2013, 5, 24, tzinfo=UTC),
        expires_in_seconds=86400,
        parameters={},
    )
    assert link.endswith(
        "&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
    )
