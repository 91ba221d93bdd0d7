"""Who asks, through which app, and what that app was allowed to see."""

from collections.abc import Collection
from dataclasses import dataclass

from aiohttp import web

from comfyhouse_demo.google.failures import make_not_found, make_scope_missing, make_signed_out
from comfyhouse_demo.google.files import File, can_reach, find_file
from comfyhouse_demo.google.people import Person, get_person
from comfyhouse_demo.google.scopes import SEES_ALL
from comfyhouse_demo.google.store import Store, now, read_json


@dataclass(frozen=True, slots=True)
class Visitor:
    """A user, as an app with these scopes speaks for them."""

    person: Person
    client: str
    scopes: frozenset[str]

    @property
    def sees_all(self) -> bool:
        """Whether the app sees files that it was not given."""
        return bool(self.scopes & SEES_ALL)

    def sees(self, file: File) -> bool:
        """Tell whether the app sees the file, where the user can reach it."""
        return self.sees_all or self.client in file.apps


def get_visitor(store: Store, request: web.Request, needed: Collection[str]) -> Visitor:
    """Return who asks; raises Refusal without a valid token, or without one of these scopes."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    row = store.find("SELECT * FROM tokens WHERE token = ? AND kind = 'access'", token)
    if scheme != "Bearer" or row is None or row["until"] < now():
        raise make_signed_out()
    visitor = Visitor(
        get_person(store, row["sub"]), row["client"], frozenset(read_json(row["scopes"]))
    )
    request["client"], request["scopes"] = visitor.client, sorted(visitor.scopes)
    if not visitor.scopes.intersection(needed):
        raise make_scope_missing()
    return visitor


def find_visible(store: Store, visitor: Visitor, file_id: str, *, shared: bool) -> File | None:
    """Return the file where the app sees it; `shared`: it knows of shared drives."""
    file = find_file(store, visitor.person.root if file_id == "root" else file_id)
    if file is None or not can_reach(store, file, visitor.person.sub):
        return None
    if file.drive and not shared:
        return None
    return file if visitor.sees(file) else None


def get_visible(store: Store, visitor: Visitor, file_id: str, request: web.Request) -> File:
    """Return the file; raises Refusal (404) where the app must not know that it exists."""
    shared = request.query.get("supportsAllDrives") == "true"
    file = find_visible(store, visitor, file_id, shared=shared)
    if file is None:
        raise make_not_found(file_id)
    return file
