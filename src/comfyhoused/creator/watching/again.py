"""Looking at skipped files again, because their owner has asked."""

from collections.abc import Collection, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.skips import list_retryable
from comfyhoused.creator.tables import Edit, Photo, Source
from comfyhoused.creator.watching.leases import ring_source


async def look_again(
    session: AsyncSession, user_id: str, photo_ids: Collection[str]
) -> Sequence[str]:
    """Have these skipped photos looked at once more; returns those that are, of the user's own.

    Only where another look may end otherwise (`Skip.can_retry`). One that has an edit is tried
    again as an edit (`creator/edits/retrying.py`).
    """
    again = await session.execute(
        update(Photo)
        .where(
            Photo.id.in_(photo_ids),
            Photo.user_id == user_id,
            Photo.state == "skipped",
            Photo.skip_code.in_(list_retryable()),
            ~select(Edit.id).where(Edit.photo_id == Photo.id).exists(),
            select(Source.id)
            .where(Source.id == Photo.source_id, Source.state != "removed")
            .exists(),
        )
        .values(state="seen", skip_code=None, skip_detail=None, looked_at=func.now())
        .returning(Photo.id, Photo.source_id)
        .execution_options(synchronize_session=False)
    )
    rows = again.all()
    for source_id in sorted({row.source_id for row in rows}):
        await ring_source(session, source_id)
    return [row.id for row in rows]
