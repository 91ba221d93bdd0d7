"""Users: who has come by Google. `sub` says who somebody is; addresses may change hands."""

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from comfyhoused.adapters.google.grants import Identity
from comfyhoused.creator.tables import User
from comfyhoused.kit.clock import get_now
from comfyhoused.kit.errors import Forbidden
from comfyhoused.kit.ids import make_id

_LONGEST_NAME = 200


class UserLeaving(Forbidden):
    """The account is being erased, as its user has asked; nobody can come in by it any more."""

    code = "user_leaving"
    title = "This account is being deleted"


async def find_or_create_user(session: AsyncSession, identity: Identity) -> User:
    """Return the user that this Google account is, with its address and name of today.

    Made when it comes first; two tabs make one. Raises UserLeaving.
    """
    today = {"email": identity.email, "name": identity.name[:_LONGEST_NAME]}
    statement = (
        insert(User)
        .values(id=make_id("user"), google_sub=identity.sub, **today)
        .on_conflict_do_update(index_elements=[User.google_sub], set_=today)
        .returning(User)
    )
    user = (await session.scalars(statement)).one()
    if user.deleting_at is not None:
        raise UserLeaving("It will be gone in a few minutes; after that you can begin anew.")
    return user


async def finish_onboarding(session: AsyncSession, user_id: str) -> None:
    """Write down that the user has been shown everything; again: nothing changes."""
    is_new = (User.id == user_id) & User.onboarded_at.is_(None)
    await session.execute(update(User).where(is_new).values(onboarded_at=get_now()))
