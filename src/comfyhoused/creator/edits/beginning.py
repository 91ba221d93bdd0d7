"""Photos that wait for units of their owner's plan are edited as soon as there are some.

The watchers look at them once more and edit them as they are then: while they waited, their files
may have been saved anew, or taken away.
"""

from sqlalchemy import select

from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.ledger import get_usage
from comfyhoused.creator.tables import Book, Photo, Source, User
from comfyhoused.creator.watching.leases import ring_source
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.ids import make_id
from comfyhoused.kit.log import get_logger
from comfyhoused.kit.periods import get_period

log = get_logger(__name__)

_USERS_AT_ONCE = 200
#: Of one user in one turn: who has thousands makes nobody wait.
_MOST = 10


async def begin_waiting(house: CreatorHouse) -> int:
    """Have photos edited that have waited for units, a few of each user; returns how many.

    Each turn goes once round all users who have units again, from another one on each time. A
    user with whom something is wrong is passed by.
    """
    somewhere = make_id("user")
    after = await _begin_between(house, somewhere, "")
    return after + await _begin_between(house, "", somewhere)


async def _begin_between(house: CreatorHouse, after: str, until: str) -> int:
    count = 0
    while user_ids := await _list_users(house, after, until):
        after = user_ids[-1]
        for user_id in await _list_with_units(house, user_ids):
            try:
                count += await _begin_some(house, user_id)
            except Unavailable:
                raise
            except Exception:  # the border of one user's photos: nobody else's wait for them
                log.exception("the waiting photos of %s met a fault of ours", user_id)
    return count


async def _list_users(house: CreatorHouse, after: str, until: str) -> list[str]:
    """Return the next users who have photos waiting, by their ids."""
    query = (
        select(Photo.user_id)
        .join(Source, Source.id == Photo.source_id)
        .where(Photo.state == "waiting", Source.state == "active", Photo.user_id > after)
    )
    if until:
        query = query.where(Photo.user_id <= until)
    ordered = query.distinct().order_by(Photo.user_id).limit(_USERS_AT_ONCE)
    async with house.database.begin() as session:
        return list(await session.scalars(ordered))


async def _list_with_units(house: CreatorHouse, user_ids: list[str]) -> list[str]:
    """Return those of them whose plans have units left, and who stay."""
    staying = select(User).where(User.id.in_(user_ids), User.deleting_at.is_(None))
    of_now = select(Book).where(Book.user_id.in_(user_ids), Book.period == get_period())
    async with house.database.begin() as session:
        users = (await session.scalars(staying.order_by(User.id))).all()
        # While they are held, `get_usage` finds them in the session without asking for each.
        books = {one.user_id: one for one in await session.scalars(of_now)}
        return [
            user.id
            for user in users
            if user.id not in books or (await get_usage(session, house.plans, user)).allowance > 0
        ]


async def _begin_some(house: CreatorHouse, user_id: str) -> int:
    """Hand some of a user's waiting photos to the watchers, the oldest first; returns how many."""
    oldest = (
        select(Photo)
        .join(Source, Source.id == Photo.source_id)
        .where(Photo.user_id == user_id, Photo.state == "waiting", Source.state == "active")
        .order_by(Photo.seen_at, Photo.id)
        .limit(_MOST)
        .with_for_update(skip_locked=True, of=Photo)
    )
    async with house.database.begin() as session:
        photos = (await session.scalars(oldest)).all()
        for photo in photos:
            photo.state = "seen"
        for source_id in sorted({photo.source_id for photo in photos}):
            await ring_source(session, source_id)
    return len(photos)
