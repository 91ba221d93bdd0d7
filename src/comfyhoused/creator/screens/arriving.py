"""How many photos are between Add photos and their first step: nobody need think they are lost."""

from datetime import timedelta

from sqlalchemy import exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.creator.tables import Photo, Source, Upload
from comfyhoused.kit.clock import get_now

#: A folder is looked at once a minute at least; what is not seen by then shows as itself.
_UNSEEN = timedelta(minutes=2)


async def count_arriving(session: AsyncSession, user_id: str) -> int:
    """Return how many photos have been sent from Add photos and are not taken in yet.

    On their way into a folder, or put there within two minutes and not found there so far. What
    goes into a paused folder is not counted: it waits.
    """
    is_seen = exists().where(
        Photo.source_id == Upload.source_id,
        Photo.name == Upload.name,
        Photo.state != "seen",
        Photo.seen_at > Upload.created_at,
    )
    is_just_put = (Upload.state == "placed") & (Upload.next_try_at > get_now() - _UNSEEN) & ~is_seen
    query = (
        select(func.count())
        .select_from(Upload)
        .join(Source, Source.id == Upload.source_id)
        .where(Upload.user_id == user_id, Source.state == "active")
        .where(or_(Upload.state == "received", is_just_put))
    )
    return int(await session.scalar(query) or 0)
