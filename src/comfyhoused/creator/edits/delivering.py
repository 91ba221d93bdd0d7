"""The last step: a finished picture into its folder, once, however often it is tried."""

from contextlib import suppress

from sqlalchemy import func

from comfyhoused.adapters.storage.storage import ObjectMissing
from comfyhoused.core.photos.shapes import CONTENT_TYPES, ENDINGS
from comfyhoused.creator.edits.claiming import Claim, LeaseGone, hold_delivery
from comfyhoused.creator.edits.ending import awaits_reconnect
from comfyhoused.creator.edits.finding import tell_delivery
from comfyhoused.creator.edits.pictures import get_picture
from comfyhoused.creator.edits.rounds import make_due
from comfyhoused.creator.edits.work import Work, open_desk, read_work
from comfyhoused.creator.house import CreatorHouse
from comfyhoused.creator.news import tell
from comfyhoused.creator.notifications import notify
from comfyhoused.creator.sources.folder import Placed, SourceFolder
from comfyhoused.creator.sources.opening import open_folder
from comfyhoused.creator.tables import Delivery, Edit, Source
from comfyhoused.kit.errors import ComfyhouseError, Problem


class ResultGone(ComfyhouseError):
    """The finished picture is not in our storage any more."""

    code = "result_gone"
    title = "The finished picture was lost"


async def deliver(house: CreatorHouse, claim: Claim) -> None:
    """Put the result into its folder, under an id that was stored before the first byte went.

    Raises what the folder raises: it is tried again, or given up until its owner asks.
    """
    async with house.database.begin() as session:
        delivery = await session.get(Delivery, claim.id)
        if delivery is None:
            raise LeaseGone(claim.id)
        work = await read_work(session, delivery.edit_id)
    folder = open_folder(house, work.source)
    key = delivery.upload_key or await _take_key(house, claim, folder)
    placed = await _put(house, work, folder, key, delivery.name)
    async with house.database.begin() as session:
        # The edit first, as its owner's verbs lock them.
        edit = await session.get_one(Edit, work.edit.id, with_for_update=True)
        delivery = await hold_delivery(session, claim)
        delivery.state = "delivered"
        delivery.url = placed.url
        delivery.error = None
        delivery.delivered_at = func.now()
        make_due(delivery)
        delivery.next_try_at = None
        make_due(edit)  # for tidying: the picture is in its owner's hands
        await notify(
            session,
            delivery.user_id,
            "edit_delivered",
            f"edit_delivered/{delivery.edit_id}",
            f"“{delivery.name}” is ready",
            f"It lies in the folder for results of {work.source.name}.",
            f"/creator/edits/{delivery.edit_id}",
            mail="digest",
        )
    await tell_delivery(house, delivery)
    await tell(house.resources.store, delivery.user_id, "bell", {})


async def give_up_delivery(house: CreatorHouse, claim: Claim, problem: Problem) -> bool:
    """Leave it until its owner has it tried again; the picture stays with us.

    A folder that must be reconnected is waited for, but for one that was removed.
    """
    async with house.database.begin() as session:
        delivery = await hold_delivery(session, claim)
        source = await session.get_one(Source, delivery.source_id)
        if awaits_reconnect(source, problem):
            return False
        delivery.state = "failed"
        delivery.error = dict(problem)
        make_due(delivery)
        delivery.next_try_at = None
        await notify(
            session,
            delivery.user_id,
            "delivery_failed",
            f"delivery_failed/{delivery.id}/{problem['code']}",
            f"“{delivery.name}” could not be put into your folder",
            f"{problem['title']}. {problem['detail']} The picture is kept here: try it again when "
            "that is mended.",
            f"/creator/edits/{delivery.edit_id}",
            mail="now",
        )
    await tell_delivery(house, delivery)
    await tell(house.resources.store, delivery.user_id, "bell", {})
    return True


async def _take_key(house: CreatorHouse, claim: Claim, folder: SourceFolder) -> str:
    """Return the id that the file will have, known to the row before anything is sent."""
    taken = await folder.take_key()
    async with house.database.begin() as session:
        delivery = await hold_delivery(session, claim)
        delivery.upload_key = delivery.upload_key or taken
    return delivery.upload_key


async def _put(
    house: CreatorHouse, work: Work, folder: SourceFolder, key: str, name: str
) -> Placed:
    if work.edit.result_file is None:
        raise ResultGone("Edit the photo again with another strength.")
    ending = work.edit.result_file.rpartition(".")[2]
    content_type = next(CONTENT_TYPES[kind] for kind, known in ENDINGS.items() if ending in known)
    async with open_desk(house) as desk:
        with suppress(ObjectMissing):
            await get_picture(house, work.edit.result_file, desk / "result")
            return await folder.put_edited(
                key, work.photo.folder, name, content_type, desk / "result", work.edit.id
            )
    raise ResultGone("Edit the photo again with another strength.")
