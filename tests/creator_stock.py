"""What a user of Creator may have, made as rows and pictures: for tests of screens, and to look at.

No server and no folder stands behind it: the screens show what is stored.
"""

import hashlib
import io
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageEnhance
from sqlalchemy import insert, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.postgres.database import Database
from comfyhoused.adapters.storage.storage import Storage
from comfyhoused.creator.edits.pictures import make_folder
from comfyhoused.creator.notifications import notify
from comfyhoused.creator.presets.book import PresetBook
from comfyhoused.creator.tables import (
    Book,
    Connection,
    Delivery,
    Edit,
    Entry,
    Notification,
    Photo,
    Source,
    User,
)
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.ids import make_id, make_job_id
from comfyhoused.kit.periods import get_period

PRESETS = ("portrait-pro", "product-glow", "cinematic")
_THUMB = 480
_PREVIEW = 1400
_VERSIONS = {preset.name: preset.version for preset in PresetBook.load().list()}


@dataclass(slots=True)
class Shot:
    """A photo to be stocked, and how its edit stands. `delivery` is for finished ones."""

    name: str
    picture: Image.Image
    state: str = "finished"
    delivery: str | None = "delivered"
    preset: str = "cinematic"
    strength: int = 60
    age: timedelta = timedelta(minutes=5)
    more: dict[str, Any] = field(default_factory=dict)


def paint(seed: int, width: int = 320, height: int = 400) -> Image.Image:
    """Return a small picture that is like no other: hills under a sky."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    ridge = height * (0.5 + 0.12 * np.sin(x / width * 5 + seed) + 0.05 * np.sin(x / 17 + seed))
    sky = np.array(random.integers(120, 240, 3), np.float32)
    land = np.array(random.integers(30, 120, 3), np.float32)
    is_land = (y > ridge)[..., None]
    fade = (0.75 + 0.25 * y / height)[..., None]
    pixels = np.where(is_land, land * fade, sky * fade) + random.normal(0, 6, (height, width, 1))
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def finish(picture: Image.Image, preset: str = "cinematic") -> Image.Image:
    """Return a picture that anybody can tell from its original."""
    warmer = ImageEnhance.Color(picture).enhance(1.35)
    bright = {"product-glow": 1.22, "portrait-pro": 1.08}.get(preset, 0.94)
    return ImageEnhance.Contrast(ImageEnhance.Brightness(warmer).enhance(bright)).enhance(1.12)


@dataclass(slots=True)
class Stock:
    """Puts things into a house for one user."""

    database: Database
    storage: Storage
    user: User

    async def add_source(self, name: str = "Shop / Raw", **more: Any) -> Source:
        """Store a source; a local one unless told otherwise."""
        values = {
            "id": make_id("source"),
            "user_id": self.user.id,
            "kind": "local",
            "name": name,
            "raw_key": f"{self.user.email}/{name}",
            "edited_key": f"{self.user.email}/{name} Edited",
            "preset": "cinematic",
            "reconciled_at": get_now(),
            **more,
        }
        source = Source(**values)
        async with self.database.begin() as session:
            session.add(source)
        return source

    async def add_connection(self, **more: Any) -> Connection:
        """Store a Google Drive that nobody can reach."""
        values = {
            "id": make_id("conn"),
            "user_id": self.user.id,
            "google_sub": f"google of {self.user.email}",
            "email": self.user.email,
            "scopes": "openid https://www.googleapis.com/auth/drive.file",
            "sealed_tokens": b"",
            "expires_at": get_now(),
            **more,
        }
        connection = Connection(**values)
        async with self.database.begin() as session:
            session.add(connection)
        return connection

    async def add_edits(self, source: Source, shots: Sequence[Shot]) -> list[Edit]:
        """Store photos with their edits and pictures."""
        edits = []
        for shot in shots:
            photo = await self._add_photo(source, shot)
            edits.append(await self._add_edit(source, photo, shot))
        return edits

    async def add_version(self, edit: Edit, shot: Shot) -> Edit:
        """Store one more edit of the same photo."""
        async with self.database.begin() as session:
            photo = await session.get_one(Photo, edit.photo_id)
            source = await session.get_one(Source, edit.source_id)
        return await self._add_edit(source, photo, shot)

    async def skip(self, source: Source, name: str, code: str, state: str = "skipped") -> None:
        """Store a file that was seen and has no edit."""
        photo = Photo(
            id=make_id("photo"),
            user_id=self.user.id,
            source_id=source.id,
            file_key=make_id("key"),
            revision="1",
            name=name,
            size_bytes=4_812_000,
            state=state,
            skip_code=code or None,
        )
        async with self.database.begin() as session:
            session.add(photo)

    async def use(self, charged: int, reserved: int = 0, credited: int = 0) -> None:
        """Write into the ledger that so much of this month was used."""
        period, now = get_period(), get_now()
        async with self.database.begin() as session:
            sums = {"reserved": reserved, "charged": charged, "credited": credited}
            session.add(Book(user_id=self.user.id, period=period, **sums))
            for number in range(charged):
                day = 1 + (number * number * 7 + number) % now.day
                session.add(
                    Entry(
                        user_id=self.user.id,
                        period=period,
                        edit_id=f"edit_{self.user.id}_{number}",
                        round=1,
                        kind="settle",
                        units=1,
                        created_at=now.replace(day=day, hour=0, minute=1),
                    )
                )

    async def tell(
        self, title: str, detail: str = "", link: str = "", *, read: bool = False
    ) -> None:
        """Have the bell tell something."""
        async with self.database.begin() as session:
            await notify(session, self.user.id, "note", make_id("once"), title, detail, link)
            if read:
                await session.execute(_mark_read(self.user.id))

    async def _add_photo(self, source: Source, shot: Shot) -> Photo:
        photo = Photo(
            id=make_id("photo"),
            user_id=self.user.id,
            source_id=source.id,
            file_key=make_id("key"),
            revision="1",
            name=shot.name,
            size_bytes=shot.picture.width * shot.picture.height // 2,
            content_type="image/jpeg",
            width=shot.picture.width * 4,
            height=shot.picture.height * 4,
            state="complete",
            complete_at=get_now() - shot.age,
            seen_at=get_now() - shot.age,
        )
        if shot.state != "waiting":
            photo.thumb_file, photo.preview_file = await self._keep(photo.id, shot.picture)
        async with self.database.begin() as session:
            session.add(photo)
        return photo

    async def _add_edit(self, source: Source, photo: Photo, shot: Shot) -> Edit:
        began = get_now() - shot.age
        is_over = shot.state in ("finished", "failed", "canceled")
        digest = hashlib.sha256(f"{shot.strength}{make_id('x')}".encode()).hexdigest()[:32]
        edit = Edit(
            id=make_id("edit"),
            user_id=self.user.id,
            photo_id=photo.id,
            source_id=source.id,
            preset=shot.preset,
            preset_version=_VERSIONS[shot.preset],
            strength=shot.strength,
            parameters_digest=digest,
            state=shot.state,
            job_id=make_job_id(),
            next_try_at=None,
            created_at=began,
            started_at=None if shot.state in ("waiting", "in_line") else began,
            finished_at=began + timedelta(seconds=20) if is_over else None,
            **shot.more,
        )
        if shot.state == "finished":
            edit.thumb_file, edit.preview_file = await self._keep(
                edit.id, finish(shot.picture, shot.preset)
            )
            # The whole picture goes once it is in the folder.
            edit.result_file = None if shot.delivery == "delivered" else edit.preview_file
        async with self.database.begin() as session:
            session.add(edit)
            await session.flush()
            if shot.state == "finished" and shot.delivery:
                session.add(self._make_delivery(edit, source, photo, shot))
        return edit

    def _make_delivery(self, edit: Edit, source: Source, photo: Photo, shot: Shot) -> Delivery:
        is_there = shot.delivery == "delivered"
        detail = "The folder is full." if shot.delivery == "failed" else None
        return Delivery(
            id=make_id("delivery"),
            user_id=self.user.id,
            edit_id=edit.id,
            source_id=source.id,
            state=shot.delivery,
            name=f"{Path(photo.name).stem}_{shot.preset}.jpg",
            url=None,
            next_try_at=None,
            error={"code": "drive_full", "detail": detail} if detail else None,
            delivered_at=edit.finished_at if is_there else None,
        )

    async def _keep(self, of: str, picture: Image.Image) -> tuple[str, str]:
        """Keep thumbnail and preview; returns their keys."""
        keys = []
        for kind, longest in (("thumb", _THUMB), ("preview", _PREVIEW)):
            small = picture.copy()
            small.thumbnail((longest, longest))
            key = f"{make_folder(self.user.id, of)}/{kind}.jpg"
            body = io.BytesIO()
            small.save(body, "JPEG", quality=88)
            await self.storage.put(
                key, _once(body.getvalue()), content_type="image/jpeg", max_bytes=50_000_000
            )
            keys.append(key)
        return keys[0], keys[1]


async def add_many_edits(database: Database, source: Source, number: int) -> None:
    """Store a great many finished edits without pictures, a minute apart."""
    now = get_now()
    photos: list[dict[str, Any]] = []
    edits: list[dict[str, Any]] = []
    deliveries: list[dict[str, Any]] = []
    for i in range(number):
        instant = now - timedelta(minutes=i)
        photo_id, edit_id = f"photo_{i:06}", f"edit_{i:06}"
        whose = {"user_id": source.user_id, "source_id": source.id}
        photos.append(
            {
                "id": photo_id,
                "file_key": str(i),
                "revision": "1",
                "name": f"IMG_{i:05}.jpg",
                **whose,
            }
            | {"state": "complete", "seen_at": instant}
        )
        edits.append(_make_edit_row(edit_id, photo_id, instant, i, whose))
        deliveries.append(
            {"id": f"delivery_{i:06}", "edit_id": edit_id, "state": "delivered"} | whose
        )
    async with database.begin() as session:
        for table, rows in ((Photo, photos), (Edit, edits), (Delivery, deliveries)):
            await _insert(session, table, rows)


def _make_edit_row(
    edit_id: str, photo_id: str, instant: datetime, number: int, whose: dict[str, str]
) -> dict[str, Any]:
    return {
        "id": edit_id,
        "photo_id": photo_id,
        "preset": PRESETS[number % 3],
        "preset_version": "1",
        "strength": 60,
        "parameters_digest": "0",
        "state": "failed" if number % 100 == 99 else "finished",
        "job_id": make_job_id(),
        "next_try_at": None,
        "created_at": instant,
        "finished_at": instant,
        **whose,
    }


async def _insert(session: AsyncSession, table: Any, rows: list[dict[str, Any]]) -> None:
    for start in range(0, len(rows), 2000):
        await session.execute(insert(table), rows[start : start + 2000])


def _mark_read(user_id: str) -> Any:
    mine = update(Notification).where(Notification.user_id == user_id)
    return mine.values(read_at=get_now())


async def _once(body: bytes) -> AsyncIterator[bytes]:
    yield body
