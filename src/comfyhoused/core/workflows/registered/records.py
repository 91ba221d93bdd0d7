"""Registered workflows as they are kept: every version, under its owner's name for it."""

import json
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from blake3 import blake3

from comfyhoused.adapters.redis.client import Store
from comfyhoused.adapters.redis.scripts import ScriptBook
from comfyhoused.core.workflows.registered.definition import (
    Definition,
    describe_definition,
    parse_definition,
)
from comfyhoused.kit.clock import make_instant
from comfyhoused.kit.errors import Conflict, NotFound, Unprocessable
from comfyhoused.kit.pages import InvalidCursor, Page, make_cursor, read_cursor

NAME_PATTERN = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
#: Usage is counted by the names of templates, ours and the owner's alike.
RESERVED = frozenset(
    ("text-to-image", "image-to-image", "inpaint", "controlnet", "upscale", "workflow")
)
MOST_WORKFLOWS = 100
MOST_VERSIONS = 100
MOST_BYTES = 50_000_000

_FOLDER = Path(__file__).with_name("lua")
SCRIPTS = ScriptBook(_FOLDER, (_FOLDER / "prelude.txt").read_text())
_NAME = re.compile(NAME_PATTERN)
_VERSION = re.compile(r"[1-9][0-9]{0,8}")


class WorkflowNotFound(NotFound):
    """No workflow is registered under this name, or not in this version."""

    code = "workflow_not_found"
    title = "There is no such workflow of yours"


class WorkflowNameInvalid(Unprocessable):
    """A name has small letters, digits and hyphens."""

    code = "workflow_name_invalid"
    title = "That cannot be the name of a workflow"


class TooManyWorkflows(Conflict):
    """The account has as many workflows, versions or bytes of them as it may: delete some."""

    code = "too_many_workflows"
    title = "No more workflows can be registered"


@dataclass(frozen=True, slots=True)
class Registration:
    """A workflow as it stands; `version` is the one that `definition` is, `versions` are all."""

    name: str
    version: int
    latest_version: int
    versions: tuple[int, ...]
    definition: Definition
    created_at: datetime
    updated_at: datetime


def check_name(name: str) -> str:
    """Return the name; raises WorkflowNameInvalid."""
    if name in RESERVED:
        raise WorkflowNameInvalid(f"{name!r} is the name of a template of ours; choose another.")
    if not _NAME.fullmatch(name):
        raise WorkflowNameInvalid(
            "A name is 1 to 63 small letters, digits and hyphens, and begins and ends with none "
            "of the latter."
        )
    return name


def read_reference(text: str) -> tuple[str, int | None]:
    """Return name and version of `name` or `name@3`; raises WorkflowNotFound."""
    name, mark, version = text.partition("@")
    if not _NAME.fullmatch(name) or (mark and not _VERSION.fullmatch(version)):
        raise WorkflowNotFound("Write the name of a registered workflow, or name@version.")
    return name, int(version) if mark else None


async def register(store: Store, owner: str, name: str, definition: Definition) -> tuple[int, bool]:
    """Keep a definition as the next version; returns the version and whether it is a new one.

    What equals the latest version changes nothing. Raises TooManyWorkflows.
    """
    content = json.dumps(describe_definition(definition), sort_keys=True)
    digest = blake3(content.encode()).hexdigest()
    limits = (MOST_WORKFLOWS, MOST_VERSIONS, MOST_BYTES)
    verdict, version = await SCRIPTS.run(
        store, "register", owner, check_name(name), digest, content, *limits
    )
    if verdict in _REFUSALS:
        raise TooManyWorkflows(_REFUSALS[verdict])
    return int(version), verdict == "added"


_REFUSALS = {
    "too_many": f"{MOST_WORKFLOWS} workflows are registered; delete one that is not needed.",
    "too_old": f"It has {MOST_VERSIONS} versions; delete it, or go on under another name.",
    "too_large": f"All versions together may have {MOST_BYTES // 1_000_000} MB; delete some.",
}


async def get_registration(
    store: Store, owner: str, name: str, version: int | None = None
) -> Registration:
    """Return a workflow, in its latest version or another; raises WorkflowNotFound."""
    check_known_form(name)
    found = await _find(store, owner, name, version)
    if found is None:
        which = f"{name}@{version}" if version else name
        raise WorkflowNotFound(f"Nothing is registered as {which!r}.")
    return found


def check_known_form(name: str) -> None:
    """Raise WorkflowNotFound for what never can have been registered."""
    if not _NAME.fullmatch(name):
        raise WorkflowNotFound("Nothing can be registered under such a name.")


async def list_registrations(
    store: Store, owner: str, *, limit: int, cursor: str | None
) -> Page[Registration]:
    """Return a page of an owner's workflows by name; raises InvalidCursor."""
    after = "-" if cursor is None else f"({_read_position(cursor)}"
    names = [
        str(one)
        for one in await store.zrangebylex(
            f"ch:1:owner:{owner}:workflows", after, "+", start=0, num=limit + 1
        )
    ]
    found = [await _find(store, owner, name, None) for name in names[:limit]]
    next_cursor = make_cursor(names[limit - 1]) if len(names) > limit else None
    return Page([one for one in found if one is not None], next_cursor)


async def drop_registration(store: Store, owner: str, name: str) -> None:
    """Remove a workflow with all versions; jobs that run it are untouched.

    Raises WorkflowNotFound.
    """
    check_known_form(name)
    if not await SCRIPTS.run(store, "drop", owner, name):
        raise WorkflowNotFound(f"Nothing is registered as {name!r}.")


def _make_key(owner: str, name: str) -> str:
    return f"ch:1:owner:{owner}:workflow:{name}"


async def _find(store: Store, owner: str, name: str, version: int | None) -> Registration | None:
    key = _make_key(owner, name)
    latest, created_at, updated_at = await store.hmget(key, ["latest", "created_at", "updated_at"])
    if latest is None or created_at is None or updated_at is None:
        return None
    wanted = int(latest) if version is None else version
    content = await store.hget(key, f"v:{wanted}")
    if content is None:
        return None
    fields = [str(one) for one in await store.hkeys(key)]
    document: dict[str, Any] = json.loads(content)
    return Registration(
        name=name,
        version=wanted,
        latest_version=int(latest),
        versions=tuple(sorted(int(one[2:]) for one in fields if one.startswith("v:"))),
        definition=parse_definition(document),
        created_at=make_instant(int(created_at)),
        updated_at=make_instant(int(updated_at)),
    )


def _read_position(cursor: str) -> str:
    position = read_cursor(cursor)
    if not _NAME.fullmatch(position):
        raise InvalidCursor("The cursor is not one that this listing gave out.")
    return position
