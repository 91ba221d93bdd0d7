"""One edit with all that its page shows: photo, delivery, other edits of the photo, links."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.edits.canceling import CANCELABLE
from comfyhoused.creator.edits.finding import find_delivery, get_edit
from comfyhoused.creator.edits.pictures import make_picture_link
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.presets.report import Report
from comfyhoused.creator.tables import Delivery, Edit, Photo, Source


@dataclass(frozen=True, slots=True)
class EditView:
    """One edit. Addresses are '' where there is no such picture (yet, or any more).

    `before_url` and `after_url` are pictures of at most 2048 px; `result_url` is the whole result
    while it is with us, `delivery.url` where its owner sees it in the folder. `others` are the
    other edits of the photo, newest first. `report` is what the preset says of the photo.
    """

    edit: Edit
    photo: Photo
    source: Source
    delivery: Delivery | None
    others: Sequence[Edit]
    report: Report
    before_url: str
    after_url: str
    thumb_url: str
    result_url: str

    @property
    def can_cancel(self) -> bool:
        """Tell whether it can be stopped."""
        return self.edit.state in CANCELABLE

    @property
    def can_retry(self) -> bool:
        """Tell whether the edit, or its delivery, can be tried again."""
        return self.edit.state in ("failed", "canceled") or (
            self.delivery is not None and self.delivery.state == "failed"
        )

    @property
    def can_report(self) -> bool:
        """Tell whether its unit can be given back."""
        return self.edit.state == "finished" and not self.edit.is_credited


async def get_edit_view(
    session: AsyncSession, house: CreatorHouse, user_id: str, edit_id: str
) -> EditView:
    """Return the user's edit; raises EditNotFound."""
    edit = await get_edit(session, user_id, edit_id)
    photo = await session.get_one(Photo, edit.photo_id)
    others = await session.scalars(
        select(Edit)
        .where(Edit.photo_id == photo.id, Edit.id != edit.id)
        .order_by(Edit.created_at.desc(), Edit.id.desc())
    )
    delivery = await find_delivery(session, edit.id)
    return EditView(
        edit=edit,
        photo=photo,
        source=await session.get_one(Source, edit.source_id),
        delivery=delivery,
        others=list(others),
        report=Report.from_row(edit.report),
        before_url=await _link(house, photo.preview_file),
        after_url=await _link(house, edit.preview_file),
        thumb_url=await _link(house, edit.thumb_file or photo.thumb_file),
        result_url=await _link(house, edit.result_file, delivery.name if delivery else ""),
    )


async def _link(house: CreatorHouse, key: str | None, filename: str = "") -> str:
    return await make_picture_link(house, key, filename) if key else ""
