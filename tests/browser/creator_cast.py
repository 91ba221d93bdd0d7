"""Users of Creator in every state that a screen can show, and the scenes to look at."""

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image
from skimage import data

from tests.browser.creator_stage import CreatorStage
from tests.creator_stock import Shot, Stock, paint

_FAILED = {"code": "job_timed_out", "detail": "The server took too long for this very large photo."}


@dataclass(slots=True)
class Scene:
    """A screen in a state. `act` is script that is run before the picture is taken."""

    name: str
    path: str
    cookie: Any = None
    act: str = ""


@dataclass(slots=True)
class Cast:
    """The users and their scenes."""

    scenes: list[Scene] = field(default_factory=list)


def _open_photo(name: str) -> Image.Image:
    """Return a photo of scikit-image's samples."""
    return Image.fromarray(getattr(data, name)()[..., :3])


def list_photos() -> list[tuple[str, Image.Image, str]]:
    """Return (name, picture, preset) of real photos, and of the look's where they are there."""
    photos = [
        ("IMG_2041.jpg", _open_photo("astronaut"), "portrait-pro"),
        ("Coffee.jpg", _open_photo("coffee"), "product-glow"),
        ("Studio cat.jpg", _open_photo("chelsea"), "cinematic"),
        ("Launch.tif", _open_photo("rocket"), "cinematic"),
    ]
    look = Path(__file__).parents[2] / "../shared/look/img"
    for name, preset in (
        ("mug", "product-glow"),
        ("bottles", "product-glow"),
        ("flower", "cinematic"),
        ("vase", "product-glow"),
        ("bowls", "product-glow"),
        ("garage", "cinematic"),
    ):
        path = look / f"{name}-before.jpg"
        picture = Image.open(path).convert("RGB") if path.exists() else paint(len(name))
        photos.append((f"{name.title()}.jpg", picture, preset))
    return photos


async def cast_users(stage: CreatorStage) -> Cast:
    """Stock a full, an empty, a busy and a troubled user, and say what to look at."""
    cast = Cast()
    guest = [Scene("landing", "/creator"), Scene("sign-in", "/creator/sign-in")]
    cast.scenes += [*guest, Scene("help-guest", "/creator/help"), Scene("lost", "/creator/nowhere")]
    await _cast_full(stage, cast)
    await _cast_empty(stage, cast)
    await _cast_troubled(stage, cast)
    return cast


async def _cast_full(stage: CreatorStage, cast: Cast) -> None:
    stock = await stage.add_user("ada@example.com", plan="creator")
    source = await stock.add_source("Shop / Raw", preset="product-glow")
    held = await stock.add_source("Weddings / Raw", preset="portrait-pro", approves_first=True)
    photos = list_photos()
    shots = [
        Shot(name, picture, preset=preset, age=timedelta(hours=2 * i + 1) * (1 if i < 3 else 20))
        for i, (name, picture, preset) in enumerate(photos)
    ]
    edits = await stock.add_edits(source, shots)
    await stock.add_version(
        edits[0], Shot("", photos[0][1], preset="cinematic", strength=40, age=timedelta(minutes=50))
    )
    await stock.add_edits(source, _list_open())
    waiting = await stock.add_edits(held, _list_held(photos))
    for name, code in (("IMG_0001.CR3", "raw_format"), ("holiday.mov", "film")):
        await stock.skip(source, name, code)
    await stock.use(58, reserved=3, credited=1)
    await stock.tell(
        "Three new pictures are ready", "IMG_2041, Coffee and Studio cat.", "/creator/gallery"
    )
    await stock.tell("80 of 100 photos are used", "Twenty are left this month.", "/creator/plan")
    cookie = await stage.make_cookie(stock)
    screens = ["home", "gallery", "gallery?show=approve", "skipped", "review", "sources", "presets"]
    screens += ["notifications", "settings", "plan", "account", "help", "add"]
    for path in screens:
        name = path.replace("?show=", "-")
        cast.scenes.append(Scene(name, f"/creator/{path}", cookie))
    cast.scenes += [
        Scene("edit", f"/creator/edits/{edits[0].id}", cookie),
        Scene("edit-held", f"/creator/edits/{waiting[0].id}", cookie),
        Scene("source", f"/creator/sources/{source.id}", cookie),
        Scene(
            "welcome-preset",
            "/creator/welcome?kind=local&name=Shop+/+Raw&raw=ada@example.com/a&edited=ada@example.com/b",
            cookie,
        ),
        Scene("welcome-photos", f"/creator/welcome/{source.id}", cookie),
        Scene(
            "account-dialog",
            "/creator/account",
            cookie,
            "document.getElementById('delete').showModal()",
        ),
        Scene("account-delete", "/creator/account/delete", cookie),
    ]


def _list_open() -> list[Shot]:
    return [
        Shot("Vase with yellow flowers.jpg", paint(3), "running", age=timedelta(seconds=20)),
        Shot("Red motorbike.jpg", paint(4), "in_line", age=timedelta(seconds=12)),
        Shot("New.heic", paint(5), "waiting", age=timedelta(seconds=4)),
    ]


def _list_held(photos: list[tuple[str, Image.Image, str]]) -> list[Shot]:
    return [
        Shot(f"Wedding {i}.jpg", photos[i][1], delivery="held", preset="portrait-pro",
             age=timedelta(hours=30 + i))
        for i in (0, 2, 6)
    ]  # fmt: skip


async def _cast_empty(stage: CreatorStage, cast: Cast) -> None:
    stock = await stage.add_user("new@example.com", is_onboarded=False)
    cookie = await stage.make_cookie(stock)
    for path in (
        "home",
        "gallery",
        "skipped",
        "review",
        "sources",
        "notifications",
        "plan",
        "add",
        "welcome",
    ):
        cast.scenes.append(Scene(f"empty-{path}", f"/creator/{path}", cookie))


async def _cast_troubled(stage: CreatorStage, cast: Cast) -> None:
    stock: Stock = await stage.add_user("trouble@example.com")
    connection = await stock.add_connection(state="reconnect", mode="full")
    problem = {
        "code": "reconnect_needed",
        "detail": "Google does not let us into the Drive any more.",
    }
    source = await stock.add_source(
        "Shop / New photos", kind="drive", connection_id=connection.id, state="reconnect",
        raw_key="drive-raw", edited_key="drive-edited", problem=problem,
    )  # fmt: skip
    paused = await stock.add_source("Old / Raw", state="paused")
    edits = await stock.add_edits(
        source,
        [
            Shot("Coffee.jpg", _open_photo("coffee"), "failed", more={"error": _FAILED}),
            Shot("Cat.jpg", _open_photo("chelsea"), delivery="failed"),
            Shot("Rocket.jpg", _open_photo("rocket"), "canceled"),
            Shot("On the way.jpg", paint(8), "running"),
        ],
    )
    for number in range(4):
        await stock.skip(paused, f"DSC_{number}.jpg", "", "backlog")
    await stock.skip(source, "Waits.jpg", "", "waiting")
    await stock.skip(source, "IMG_2041.heic", "photo_unreadable")
    await stock.use(10)
    cookie = await stage.make_cookie(stock)
    for path in ("home", "gallery?show=failed", "sources", "plan", "skipped"):
        cast.scenes.append(Scene(f"trouble-{path.partition('?')[0]}", f"/creator/{path}", cookie))
    for name, edit in zip(("failed", "undelivered", "canceled", "running"), edits, strict=True):
        cast.scenes.append(Scene(f"trouble-edit-{name}", f"/creator/edits/{edit.id}", cookie))
