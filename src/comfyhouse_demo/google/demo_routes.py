"""`/_demo`: what tests and hands may do that no app may: users, files, faults, switches, logs."""

import mimetypes
from typing import Any

from aiohttp import web

from comfyhouse_demo.google import resumable
from comfyhouse_demo.google.answering import answer_whole, read_body
from comfyhouse_demo.google.blobs import keep_stream
from comfyhouse_demo.google.failures import make_invalid
from comfyhouse_demo.google.files import (
    SHORTCUT,
    File,
    add_file,
    create_drive,
    get_file,
    list_files,
    remove_file,
    replace_content,
    save_file,
    set_trashed,
)
from comfyhouse_demo.google.grants import (
    end_access_tokens,
    end_grant,
    find_grant,
    make_tokens,
    save_grant,
)
from comfyhouse_demo.google.house import GOOGLE, Google
from comfyhouse_demo.google.logbook import LOGBOOK
from comfyhouse_demo.google.people import (
    FOLDER,
    QUOTA_BYTES,
    Person,
    create_person,
    get_person,
    list_people,
)
from comfyhouse_demo.google.pushing import PUSHES
from comfyhouse_demo.google.rendering import render_file
from comfyhouse_demo.google.scopes import read_scopes


async def add_user(request: web.Request) -> web.Response:
    """Body: email, name, quota_bytes."""
    body = await read_body(request)
    quota = int(body.get("quota_bytes", QUOTA_BYTES))
    store = request.app[GOOGLE].store
    return _tell_person(request, create_person(store, body["email"], body["name"], quota))


async def list_users(request: web.Request) -> web.Response:
    google = request.app[GOOGLE]
    people = [
        {**_render_person(person), "scopes": find_grant(google.store, person.sub, google.client.id)}
        for person in list_people(google.store)
    ]
    return answer_whole(request, {"users": people})


async def add_tokens(request: web.Request) -> web.Response:
    """Body: sub, scopes. As if the user had allowed them; answers with both tokens."""
    google, body = request.app[GOOGLE], await read_body(request)
    scopes = read_scopes(body["scopes"])
    together = save_grant(google.store, body["sub"], google.client.id, scopes)
    life = google.switches.token_seconds
    tokens = make_tokens(
        google.store, body["sub"], google.client.id, together, life, is_offline=True
    )
    document = {"access_token": tokens.access, "refresh_token": tokens.refresh}
    return answer_whole(request, {**document, "scope": " ".join(together), "expires_in": int(life)})


async def end_access(request: web.Request) -> web.Response:
    """Take the app's access back (`revoke`), or end the access tokens only (`expire`)."""
    google, sub = request.app[GOOGLE], request.match_info["sub"]
    if request.match_info["how"] == "revoke":
        end_grant(google.store, sub, google.client.id)
    else:
        end_access_tokens(google.store, sub)
    return answer_whole(request, {})


async def add_drive(request: web.Request) -> web.Response:
    """Body: name, subs. Makes a shared drive."""
    body = await read_body(request)
    drive = create_drive(request.app[GOOGLE].store, body["name"], body["subs"])
    return answer_whole(request, {"id": drive})


async def add_content(request: web.Request) -> web.Response:
    """Query: name, parent, mime, kind (file, folder, shortcut), target. Body: the bytes."""
    google = request.app[GOOGLE]
    person = get_person(google.store, request.match_info["sub"])
    query = request.query
    name, kind = query.get("name", "Untitled"), query.get("kind", "file")
    guessed = mimetypes.guess_type(name)[0] or "application/octet-stream"
    mimes = {"folder": FOLDER, "shortcut": SHORTCUT, "file": query.get("mime", guessed)}
    blob = await keep_stream(google.store, request.content.iter_any()) if kind == "file" else None
    file = add_file(
        google.store,
        person,
        name=name,
        parent=query.get("parent") or person.root,
        mime=mimes[kind],
        blob=blob,
        shortcut=query.get("target", ""),
    )
    return _tell_file(request, google, file)


async def list_content(request: web.Request) -> web.Response:
    google, sub = request.app[GOOGLE], request.match_info["sub"]
    files = [_render(google, file) for file in list_files(google.store, sub)]
    return answer_whole(request, {"files": files})


async def change_content(request: web.Request) -> web.Response:
    """Give a file other bytes (PUT)."""
    google = request.app[GOOGLE]
    file = get_file(google.store, request.match_info["file"])
    blob = await keep_stream(google.store, request.content.iter_any())
    replace_content(google.store, file, blob)
    return _tell_file(request, google, file)


async def change_file(request: web.Request) -> web.Response:
    """Body: any of name, mime, parent, trashed, overrides, given (the app may see it), gone."""
    google, body = request.app[GOOGLE], await read_body(request)
    file = get_file(google.store, request.match_info["file"])
    if body.get("gone"):
        remove_file(google.store, file)
        return answer_whole(request, {})
    for name in ("name", "mime", "parent", "overrides"):
        setattr(file, name, body.get(name, getattr(file, name)))
    if "given" in body:
        file.apps = [google.client.id] if body["given"] else []
    if "trashed" in body:
        set_trashed(google.store, file, body["trashed"])
    else:
        save_file(google.store, file)
    return _tell_file(request, google, file)


async def plan_fault(request: web.Request) -> web.Response:
    """Body: the fields of `Fault`."""
    body = await read_body(request)
    try:
        request.app[GOOGLE].faults.plan(body)
    except TypeError as error:
        raise make_invalid("fault", str(error)) from error
    return answer_whole(request, {})


async def list_faults(request: web.Request) -> web.Response:
    return answer_whole(request, {"faults": request.app[GOOGLE].faults.list()})


async def clear_faults(request: web.Request) -> web.Response:
    request.app[GOOGLE].faults.clear()
    return answer_whole(request, {})


async def switch(request: web.Request) -> web.Response:
    """Body: the fields of `Switches`."""
    request.app[GOOGLE].switches.apply(await read_body(request))
    return answer_whole(request, {})


async def release_pushes(request: web.Request) -> web.Response:
    return answer_whole(request, {"released": request.app[PUSHES].release()})


async def list_channels(request: web.Request) -> web.Response:
    rows = request.app[GOOGLE].store.list("SELECT * FROM channels")
    sent = request.app[PUSHES].sent
    held = len(request.app[PUSHES].held)
    return answer_whole(
        request, {"channels": [dict(row) for row in rows], "sent": sent} | {"held": held}
    )


async def end_channels(request: web.Request) -> web.Response:
    """End all channels without a word, as time does."""
    request.app[GOOGLE].store.run("UPDATE channels SET until = 0")
    return answer_whole(request, {})


async def forget_uploads(request: web.Request) -> web.Response:
    resumable.forget_all(request.app[GOOGLE].store)
    return answer_whole(request, {})


async def list_requests(request: web.Request) -> web.Response:
    return answer_whole(request, {"requests": list(request.app[LOGBOOK].lines)})


async def clear_requests(request: web.Request) -> web.Response:
    request.app[LOGBOOK].lines.clear()
    return answer_whole(request, {})


ROUTES = (
    web.post("/_demo/users", add_user),
    web.get("/_demo/users", list_users),
    web.post("/_demo/tokens", add_tokens),
    web.post("/_demo/users/{sub}/{how:revoke|expire}", end_access),
    web.post("/_demo/drives", add_drive),
    web.post("/_demo/users/{sub}/files", add_content),
    web.get("/_demo/users/{sub}/files", list_content),
    web.put("/_demo/files/{file}/content", change_content),
    web.patch("/_demo/files/{file}", change_file),
    web.post("/_demo/faults", plan_fault),
    web.get("/_demo/faults", list_faults),
    web.delete("/_demo/faults", clear_faults),
    web.post("/_demo/switches", switch),
    web.post("/_demo/pushes", release_pushes),
    web.get("/_demo/channels", list_channels),
    web.delete("/_demo/channels", end_channels),
    web.delete("/_demo/uploads", forget_uploads),
    web.get("/_demo/requests", list_requests),
    web.delete("/_demo/requests", clear_requests),
)


def _tell_person(request: web.Request, person: Person) -> web.Response:
    return answer_whole(request, _render_person(person))


def _render_person(person: Person) -> dict[str, Any]:
    return {"sub": person.sub, "email": person.email, "name": person.name, "root": person.root}


def _tell_file(request: web.Request, google: Google, file: File) -> web.Response:
    return answer_whole(request, _render(google, file))


def _render(google: Google, file: File) -> dict[str, Any]:
    return render_file(google.store, file, file.sub, google.client.id, google.public_url)
