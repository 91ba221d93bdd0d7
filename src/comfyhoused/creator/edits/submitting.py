"""Getting in line: the prepared photo and its preset become a job of the user's."""

from datetime import timedelta

from sqlalchemy import func

from comfyhoused.core.files.records import hold_files
from comfyhoused.core.jobs.admission import UNLIMITED, Application, admit
from comfyhoused.core.workflows.run_kind import name_run_kind
from comfyhoused.creator.edits.claiming import Claim, LeaseGone, hold_edit
from comfyhoused.creator.edits.ending import take_job_back
from comfyhoused.creator.edits.finding import tell_edit
from comfyhoused.creator.edits.following import Follower
from comfyhoused.creator.edits.inputs import KEEP_INPUT_SECONDS, is_wanted
from comfyhoused.creator.edits.preparing import ensure_prepared
from comfyhoused.creator.edits.rounds import make_due
from comfyhoused.creator.edits.versions import note_version
from comfyhoused.creator.edits.work import Work
from comfyhoused.creator.house import CreatorHouse, make_owner
from comfyhoused.creator.presets.graph import make_graph
from comfyhoused.kit.clock import get_now

#: A photo in line is looked at so often, should the word of its end be lost.
LOOK_SECONDS = 30
_EXPIRES_SECONDS = 7 * 86_400
_KEEP_OUTPUT_SECONDS = 7 * 86_400


async def send_edit(house: CreatorHouse, follower: Follower, claim: Claim) -> None:
    """Prepare the photo and put it in line. Its job is made once, whoever does this how often."""
    await note_version(house, claim)
    work = await ensure_prepared(house, claim)
    application = make_application(house, work)
    until = get_now() + timedelta(seconds=KEEP_INPUT_SECONDS)
    await hold_files(house.resources.store, [str(work.edit.prepared_file)], until)
    await admit(house.resources.store, application)
    try:
        async with house.database.begin() as session:
            edit = await hold_edit(session, claim)
            edit.state = "in_line"
            make_due(edit, func.now() + timedelta(seconds=LOOK_SECONDS))
    except LeaseGone:
        if not await is_wanted(house, application.job_id):
            await take_job_back(house, work.user.id, application.job_id)
        raise
    await tell_edit(house, edit)
    follower.follow(edit)


def make_application(house: CreatorHouse, work: Work) -> Application:
    """Return the job of an edit whose photo is prepared.

    Its units are in our own ledger: the books of jobs have none for it. Raises PresetUnknown,
    InvalidPresetParameters.
    """
    edit = work.edit
    plan = house.plans.get(work.user.plan)
    graph = make_graph(
        house.presets.get(edit.preset),
        file_id=str(edit.prepared_file),
        strength=edit.strength,
        parameters=edit.parameters,
    )
    return Application(
        job_id=edit.job_id,
        owner=make_owner(work.user.id),
        mode="live",
        plan_class=plan.plan_class,
        kind="workflow",
        spec={"graph": graph, "carried": [edit.prepared_file]},
        facts={"run_kind": name_run_kind(graph), "template": edit.preset},
        units=0,
        limit=UNLIMITED,
        timeout_seconds=house.resources.settings.jobs.job_timeout_seconds,
        expires_in_seconds=_EXPIRES_SECONDS,
        keep_seconds=_KEEP_OUTPUT_SECONDS,
        concurrency=plan.concurrency,
    )
