"""The demo Google as others meet it: Google's own client, browsers, channels, hands."""

import base64
import hashlib
import io
import os
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httplib2
import httpx
import orjson
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from googleapiclient.discovery import build_from_document
from googleapiclient.errors import HttpError
from googleapiclient.http import MediaIoBaseDownload, MediaIoBaseUpload

from comfyhouse_demo.google.command import CLIENT_ID, CLIENT_SECRET
from comfyhouse_demo.google.scopes import DRIVE, DRIVE_FILE, EMAIL
from tests.google import Document, FakeGoogle
from tests.google_contract import load_description
from tests.google_drives import open_drive
from tests.receiver import Received, Receiver, answer
from tests.waiting import wait_until

CALLBACK = "http://127.0.0.1:1/creator/auth/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")


@pytest.fixture
def user(google: FakeGoogle) -> Document:
    return google.add_user(f"{os.urandom(6).hex()}@demo.example")


@pytest.fixture
def browser(google: FakeGoogle):
    with httpx.Client(base_url=google.url) as client:
        yield client


class SignedIn(httplib2.Http):
    """httplib2, which Google's client speaks through, with a user's token."""

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token
        # As Google's `build_http` says: 308 is "go on", not a way elsewhere.
        self.redirect_codes = self.redirect_codes - {308}

    def request(self, uri: str, *arguments: Any, headers: Any = None, **more: Any) -> Any:
        signed = {**(headers or {}), "authorization": f"Bearer {self.token}"}
        return super().request(uri, *arguments, headers=signed, **more)


def open_official(google: FakeGoogle, user: Document) -> Any:
    """Return Google's own Drive client, built from Google's description, on the demo."""
    root = {"rootUrl": f"{google.url}/", "baseUrl": f"{google.url}/drive/v3/"}
    http = SignedIn(google.allow(user)["access_token"])
    return build_from_document({**load_description(), **root}, http=http)


def test_googles_own_client_works_on_it(google: FakeGoogle, user: Document) -> None:
    """What it calls is not held against our rules: it leaves shared drives out."""
    official = open_official(google, user)
    files = official.files()
    start = official.changes().getStartPageToken().execute()["startPageToken"]
    [file_id] = files.generateIds(count=1, type="files").execute()["ids"]
    content = os.urandom(600_000)
    media = MediaIoBaseUpload(io.BytesIO(content), "image/png", 256 * 1024, resumable=True)
    upload = files.create(body={"id": file_id, "name": "a.png"}, media_body=media, fields="*")
    steps, made = 0, None
    while made is None:
        _, made = upload.next_chunk()
        steps += 1
    assert (steps, made["size"]) == (3, "600000")
    assert made["md5Checksum"] == hashlib.md5(content).hexdigest()
    again = MediaIoBaseUpload(io.BytesIO(b"x"), "image/png")
    with pytest.raises(HttpError) as refused:
        files.create(body={"id": file_id, "name": "a.png"}, media_body=again).execute()
    assert (refused.value.status_code, refused.value.error_details[0]["reason"]) == (
        409,
        "fileIdInUse",
    )
    fetched = io.BytesIO()
    download = MediaIoBaseDownload(fetched, files.get_media(fileId=file_id), 256 * 1024)
    while not download.next_chunk()[1]:
        pass
    assert fetched.getvalue() == content
    listed = files.list(q="name = 'a.png'", fields="files(id,name)").execute()
    assert listed == {"files": [{"id": file_id, "name": "a.png"}]}
    changes = official.changes().list(pageToken=start).execute()["changes"]
    assert [one["fileId"] for one in changes] == [file_id]
    files.delete(fileId=file_id).execute()
    assert google.list_files(user, user["root"]) == []
    google.forget_requests()


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("mimeType contains 'image/' and trashed = false", {"a.jpg", "it's.png"}),
        ("name = 'it\\'s.png'", {"it's.png"}),
        ("name contains 'A' and not mimeType = 'text/plain'", {"a.jpg"}),
        ("(name = 'a.jpg' or name = 'b.txt') and modifiedTime > '2020-01-01T00:00:00'", None),
        ("trashed = true", set()),
        ("appProperties has { key='k' and value='v' }", set()),
    ],
)
async def test_its_search_language(
    google: FakeGoogle, user: Document, query: str, found: set[str] | None
) -> None:
    for name in ("a.jpg", "b.txt", "it's.png"):
        google.add_file(user, name, b"x")
    async with open_drive(google, user) as drive:
        page = await drive.list_files(query)
    assert {one.name for one in page.files} == ({"a.jpg", "b.txt"} if found is None else found)


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"q": "name ="}, "invalid"),
        ({"q": "name = 'a' and"}, "invalid"),
        ({"q": "nonsense = 'a'"}, "invalid"),
        ({"fields": "files(id"}, "invalidParameter"),
        ({"pageSize": "0"}, "invalid"),
        ({"pageToken": "nonsense"}, "invalid"),
        ({"orderBy": "nonsense"}, "invalid"),
        ({"includeItemsFromAllDrives": "true"}, "teamDrivesSupportRequired"),
    ],
)
def test_it_refuses_what_makes_no_sense(
    google: FakeGoogle, user: Document, browser: httpx.Client, parameters: Any, reason: str
) -> None:
    token = google.allow(user)["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    refusal = browser.get("/drive/v3/files", params=parameters, headers=headers)
    assert refusal.status_code in (400, 403)
    assert refusal.json()["error"]["errors"][0]["reason"] == reason
    google.forget_requests()


# Signing in


def make_address(**more: str) -> str:
    query = {
        "client_id": CLIENT_ID,
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": f"openid email {DRIVE}",
        "state": "a state",
        "nonce": "a nonce",
        "code_challenge": CHALLENGE.decode(),
        "code_challenge_method": "S256",
        "access_type": "offline",
        **more,
    }
    return str(httpx.URL("/o/oauth2/v2/auth", params=query))


def allow(browser: httpx.Client, user: Document, address: str, **form: Any) -> dict[str, str]:
    """Choose the account and say yes, ticking what `scope` names; returns what comes back."""
    values = {"account": user["sub"], "decision": "allow", "scope": [DRIVE, DRIVE_FILE], **form}
    led = browser.post(address, data=values)
    assert led.status_code == 303, led.text
    query = parse_qs(urlsplit(led.headers["location"]).query)
    assert led.headers["location"].startswith(CALLBACK)
    return {name: value[0] for name, value in query.items()}


def exchange(browser: httpx.Client, **form: str) -> httpx.Response:
    values = {
        "grant_type": "authorization_code",
        "client_id": CLIENT_ID,
        "client_secret": CLIENT_SECRET,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return browser.post("/token", data={**values, **form})


def read_id_token(browser: httpx.Client, token: str) -> Document:
    """Check the signature by the published key, and return the claims."""
    head, body, signature = token.split(".")
    [key] = browser.get("/oauth2/v3/certs").json()["keys"]
    number, exponent = (int.from_bytes(decode(key[name]), "big") for name in ("n", "e"))
    public = rsa.RSAPublicNumbers(exponent, number).public_key()
    public.verify(decode(signature), f"{head}.{body}".encode(), padding.PKCS1v15(), hashes.SHA256())
    assert orjson.loads(decode(head))["kid"] == key["kid"]
    claims: Document = orjson.loads(decode(body))
    return claims


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_signing_in_from_end_to_end(
    google: FakeGoogle, user: Document, browser: httpx.Client
) -> None:
    known = browser.get("/.well-known/openid-configuration").json()
    assert known["issuer"] == google.url
    address = make_address()
    accounts = browser.get(address)
    assert "this is not Google" in accounts.text
    assert user["email"] in accounts.text
    asked = browser.get(make_address(demo_account=user["sub"]))
    assert "this is not Google" in asked.text
    assert "all of your Google Drive files" in asked.text
    back = allow(browser, user, address)
    assert back["state"] == "a state"
    tokens = exchange(browser, code=back["code"]).json()
    assert set(tokens["scope"].split()) == {"openid", EMAIL, DRIVE}
    claims = read_id_token(browser, tokens["id_token"])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (google.url, CLIENT_ID, "a nonce")
    assert (claims["sub"], claims["email"]) == (user["sub"], user["email"])
    told = browser.get(
        "/v1/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}
    )
    assert told.json()["sub"] == user["sub"]
    assert exchange(browser, code=back["code"]).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"code_verifier": "w" * 64}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:1/elsewhere"}, "redirect_uri_mismatch"),
        ({"client_secret": "guessed"}, "invalid_client"),
        ({"client_id": "another"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_a_code_is_worth_nothing_to_others(
    user: Document, browser: httpx.Client, wrong: dict[str, str], error: str
) -> None:
    back = allow(browser, user, make_address())
    refusal = exchange(browser, code=back["code"], **wrong)
    assert refusal.status_code in (400, 401)
    assert refusal.json()["error"] == error


def test_boxes_can_be_left_unticked(user: Document, browser: httpx.Client) -> None:
    back = allow(browser, user, make_address(), scope=[])
    tokens = exchange(browser, code=back["code"]).json()
    assert set(tokens["scope"].split()) == {"openid", EMAIL}
    refused = browser.get(
        "/drive/v3/changes/startPageToken",
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
        params={"supportsAllDrives": "true"},
    )
    assert refused.json()["error"]["errors"][0]["reason"] == "insufficientPermissions"


def test_whoever_says_no_is_led_back(user: Document, browser: httpx.Client) -> None:
    form = {"account": user["sub"], "decision": "cancel"}
    led = browser.post(make_address(), data=form)
    assert "error=access_denied" in led.headers["location"]
    assert "state=a+state" in led.headers["location"]


def test_refreshing_and_losing_access(
    google: FakeGoogle, user: Document, browser: httpx.Client
) -> None:
    first = exchange(browser, code=allow(browser, user, make_address())["code"]).json()
    again = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    renewed = exchange(browser, **again).json()
    assert renewed["access_token"] != first["access_token"]
    assert "refresh_token" not in renewed
    # Without `prompt=consent` a second visit brings none, and asks nothing either.
    led = browser.get(make_address(demo_account=user["sub"]))
    assert led.status_code == 302
    code = parse_qs(urlsplit(led.headers["location"]).query)["code"][0]
    assert "refresh_token" not in exchange(browser, code=code).json()
    google.set_switch(refuse_refresh=True)
    assert exchange(browser, **again).json()["error"] == "invalid_grant"
    google.set_switch(refuse_refresh=False)
    assert exchange(browser, **again).status_code == 200
    assert browser.post("/revoke", data={"token": first["refresh_token"]}).status_code == 200
    assert exchange(browser, **again).json()["error"] == "invalid_grant"


def test_the_oldest_of_many_refresh_tokens_dies(google: FakeGoogle, user: Document) -> None:
    tokens = [google.allow(user)["refresh_token"] for _ in range(101)]
    with httpx.Client(base_url=google.url) as client:
        answers = [
            exchange(client, grant_type="refresh_token", refresh_token=one).status_code
            for one in (tokens[0], tokens[1], tokens[100])
        ]
    assert answers == [400, 200, 200]


def test_picking_gives_the_app_what_was_picked(
    google: FakeGoogle, user: Document, browser: httpx.Client
) -> None:
    picked = google.add_file(user, "picked.jpg", b"x")
    google.add_file(user, "left.jpg", b"x")
    google.add_file(user, "words.txt", b"x")
    folder = google.add_folder(user, "A folder")
    ask = {
        "scope": DRIVE_FILE,
        "trigger_onepick": "true",
        "allow_folder_selection": "true",
        "allow_multiple": "true",
        "mimetypes": "image/jpeg,image/png",
        "prompt": "consent",
    }
    page = browser.get(make_address(**ask, demo_account=user["sub"])).text
    assert "words.txt" not in page
    assert all(name in page for name in ("picked.jpg", "left.jpg", "A folder"))
    chosen = [picked["id"], folder["id"]]
    back = allow(browser, user, make_address(**ask), picked=chosen)
    assert back["picked_file_ids"].split(",") == chosen
    given = {one["name"] for one in google.list_files(user) if one["isAppAuthorized"]}
    assert given == {"picked.jpg", "A folder"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"client_id": "x"},
        {"redirect_uri": "javascript:alert(1)"},
        {"scope": ""},
        {"trigger_onepick": "true", "scope": DRIVE_FILE},
        {"trigger_onepick": "true", "prompt": "consent"},
    ],
)
def test_nobody_is_sent_anywhere_by_a_wrong_request(
    browser: httpx.Client, wrong: dict[str, str]
) -> None:
    page = browser.get(make_address(**wrong))
    assert page.status_code == 400
    assert "location" not in page.headers


# Channels


async def test_a_channel_posts_what_google_posts(google: FakeGoogle, user: Document) -> None:
    async with Receiver() as receiver, open_drive(google, user) as drive:
        token = await drive.get_start_page_token()
        opened = await drive.watch_changes(
            token, "channel-1", "a secret", receiver.url("/push"), far_away()
        )
        await wait_until(lambda: len(receiver.at("/push")) == 1)
        google.add_file(user, "a.jpg", b"x")
        await wait_until(lambda: len(receiver.at("/push")) == 2)
        greeting, told = receiver.at("/push")
        heads = {name.lower(): value for name, value in told.headers.items()}
        assert (told.body, heads["x-goog-resource-state"]) == (b"", "change")
        assert heads["x-goog-channel-id"] == "channel-1"
        assert heads["x-goog-channel-token"] == "a secret"
        assert heads["x-goog-resource-id"] == opened.resource_id
        assert heads["x-goog-message-number"] == "2"
        assert "GMT" in heads["x-goog-channel-expiration"]
        first = {name.lower(): value for name, value in greeting.headers.items()}
        assert first["x-goog-resource-state"] == "sync"
        await drive.stop_channel(opened.id, opened.resource_id)
        assert [one for one in google.list_channels() if one["sub"] == user["sub"]] == []


async def test_pushes_are_lost_late_and_doubled_on_demand(
    google: FakeGoogle, user: Document
) -> None:
    channel_id = os.urandom(8).hex()

    def count_messages() -> int:
        [channel] = [one for one in google.list_channels() if one["id"] == channel_id]
        return int(channel["messages"])

    async with Receiver() as receiver, open_drive(google, user) as drive:
        token = await drive.get_start_page_token()
        google.set_switch(pushes="drop")
        await drive.watch_changes(token, channel_id, "t", receiver.url(), far_away())
        google.add_file(user, "lost.jpg", b"x")
        await wait_until(lambda: count_messages() == 2)
        google.set_switch(pushes="hold")
        google.add_file(user, "late.jpg", b"x")
        await wait_until(lambda: count_messages() == 3)
        assert receiver.received == []
        assert google.release_pushes() == 1
        await wait_until(lambda: len(receiver.received) == 1)
        google.set_switch(pushes="double")
        google.add_file(user, "double.jpg", b"x")
        await wait_until(lambda: len(receiver.received) == 3)
        assert [read_number(one) for one in receiver.received] == ["3", "4", "4"]


async def test_a_receiver_that_is_busy_is_told_again(google: FakeGoogle, user: Document) -> None:
    async with Receiver() as receiver, open_drive(google, user) as drive:
        receiver.behaviours["/busy"] = answer(503)
        token = await drive.get_start_page_token()
        await drive.watch_changes(
            token, os.urandom(8).hex(), "t", receiver.url("/busy"), far_away()
        )
        await wait_until(lambda: len(receiver.at("/busy")) >= 2)
        receiver.behaviours["/busy"] = answer(200)


# Hands


def test_photos_are_dropped_in_by_hand(
    google: FakeGoogle, user: Document, browser: httpx.Client
) -> None:
    place = f"/drive/{user['sub']}/{user['root']}"
    assert browser.post(place, files={"name": (None, "Raw")}).status_code == 303
    [folder] = google.list_files(user, user["root"])
    inside = f"/drive/{user['sub']}/{folder['id']}"
    content = os.urandom(70_000)
    photos = [
        ("photos", ("<b>.jpg", content, "image/jpeg")),
        ("photos", ("page.html", b"<script>alert(1)</script>", "text/html")),
    ]
    assert browser.post(inside, files=photos).status_code == 303
    page = browser.get(inside)
    assert "this is not Google" in page.text
    assert "&lt;b&gt;.jpg" in page.text
    first, second = google.list_files(user, folder["id"])
    assert google.read(first["id"]) == content
    # What a stranger wrote is never a page of this address.
    sent = browser.get(f"/file/d/{second['id']}/content")
    assert sent.headers["content-type"] == "application/octet-stream"
    assert browser.get(urlsplit(first["webViewLink"]).path).status_code == 200
    browser.post(f"/bin/{first['id']}")
    assert "in the bin" in browser.get(inside).text
    google.allow(user)
    assert "Take its access back" in browser.get(f"/drive/{user['sub']}").text
    browser.post(f"/disconnect/{user['sub']}")
    assert "Take its access back" not in browser.get(f"/drive/{user['sub']}").text


def test_a_new_account_is_made_while_signing_in(google: FakeGoogle, browser: httpx.Client) -> None:
    email = f"{os.urandom(6).hex()}@demo.example"
    led = browser.post(make_address(), data={"email": email, "name": "New Person"})
    assert led.status_code == 303
    page = browser.get(led.headers["location"])
    assert "New Person" in page.text


def test_every_page_says_that_it_is_a_demo() -> None:
    folder = Path(__file__).parents[2] / "src/comfyhouse_demo/google/templates"
    pages = [page for page in folder.glob("*.html") if page.name != "layout.html"]
    assert len(pages) >= 6
    layout = (folder / "layout.html").read_text()
    assert re.search(r'class="demo".*not Google', layout)
    for page in pages:
        assert '{% extends "layout.html" %}' in page.read_text()


def read_number(received: Received) -> str:
    heads = {name.lower(): value for name, value in received.headers.items()}
    return heads["x-goog-message-number"]


def far_away() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)
