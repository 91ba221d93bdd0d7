"""Drive one attempt: submit, follow, deliver, write the end. Nothing is lost on the way."""

from comfyhoused.adapters.comfyui.history import ExecutionFailure, Outcome, OutcomeStatus
from comfyhoused.core.fleet.link import BackendDied, BackendLink
from comfyhoused.core.jobs.assignment import LeaseLost, confirm, finish, requeue
from comfyhoused.core.jobs.delivery import clean_backend, fetch_outputs, settle_loss
from comfyhoused.core.jobs.endings import (
    DrivingBroke,
    JobPoisonous,
    JobTimedOut,
    NodeFailed,
    OutOfMemory,
    RunInterrupted,
    WorkflowProducedNothing,
)
from comfyhoused.core.jobs.following import follow, open_watch
from comfyhoused.core.jobs.holding import ensure_held
from comfyhoused.core.jobs.inputs import list_input_names
from comfyhoused.core.jobs.insist import insist
from comfyhoused.core.jobs.run import Run, StopReason
from comfyhoused.core.jobs.states import JobState
from comfyhoused.core.jobs.submission import AttemptOver, ensure_submitted
from comfyhoused.core.jobs.success import succeed
from comfyhoused.core.moderation.outputs import review_outputs
from comfyhoused.kit.errors import ComfyhouseError, make_problem
from comfyhoused.kit.log import get_logger
from comfyhoused.resources import Resources

log = get_logger(__name__)

_RETRY_PAUSE_SECONDS = 1.0
_QUICK_ATTEMPTS = 4
_LONGEST_PAUSE_SECONDS = 60.0


async def drive(resources: Resources, link: BackendLink, run: Run) -> None:
    """Bring the attempt to its end and write that; returns early when the lease is lost."""
    try:
        await _try(resources, link, run)
    except LeaseLost:
        log.info("job %s is in other hands now", run.job.id)
        if not await insist(lambda: settle_loss(resources, run)):
            # What another worker has taken over, files included, is not ours to remove.
            return
    finally:
        run.has_left.set()
    if run.assignment.is_adopted:
        run.inputs = await list_input_names(resources, run)
    await clean_backend(link, run.outcome.outputs if run.outcome else (), run.inputs)


async def _try(resources: Resources, link: BackendLink, run: Run) -> None:
    try:
        run.outcome = await _reach_end(resources, link, run)
        run.has_left.set()
        await _conclude(resources, link, run, run.outcome)
    except BackendDied as error:
        log.warning("backend %s lost job %s: %s", link.backend.id, run.job.id, error)
        # What had ended before the server died did not bring it down.
        is_blamed = run.is_started and not run.has_left.is_set()
        pause = get_pause_seconds(run.assignment.attempt)
        await _give_back(resources, run, is_blamed=is_blamed, delay_seconds=pause)
    except AttemptOver as error:
        log.info("attempt %d of job %s is over: %s", run.assignment.attempt, run.job.id, error)
        pause = get_pause_seconds(run.assignment.attempt)
        await _give_back(resources, run, is_blamed=False, delay_seconds=pause)
    except ComfyhouseError as error:
        await _fail(resources, run, error)


def get_pause_seconds(attempt: int) -> float:
    """Return how long a job rests after losing its backend: not at all at first.

    A server may come and go for hours without ever being to blame; its jobs must not keep
    everybody busy with attempts meanwhile.
    """
    if attempt < _QUICK_ATTEMPTS:
        return 0.0
    return min(_LONGEST_PAUSE_SECONDS, 2.0 ** min(attempt - _QUICK_ATTEMPTS, 10))


async def abandon(resources: Resources, link: BackendLink, run: Run) -> None:
    """After a fault of ours: take the prompt off the backend, then try again or fail.

    Where even that fails the lease runs out, and whoever adopts the job tries.
    """
    try:
        await insist(lambda: confirm(resources.store, run.assignment))
        await link.remove_prompt(run.assignment.attempt_id)
        await _fail(resources, run, DrivingBroke("It was logged on our side."))
    except (LeaseLost, BackendDied) as error:
        log.warning("job %s is left to its lease: %s", run.job.id, error)


async def _reach_end(resources: Resources, link: BackendLink, run: Run) -> Outcome | None:
    async with open_watch(link, run) as watch:
        found = None
        if not run.stop.is_set():
            found = await ensure_submitted(resources, link, run)
        return await follow(resources, link, run, watch, found)


async def _conclude(
    resources: Resources, link: BackendLink, run: Run, outcome: Outcome | None
) -> None:
    if run.stop_reason is StopReason.CANCELED:
        await _write(resources, run, JobState.CANCELED)
    elif outcome is None or (
        run.stop_reason is StopReason.TIMED_OUT and outcome.status is not OutcomeStatus.SUCCEEDED
    ):
        limit = run.job.timeout_seconds
        await _write(resources, run, JobState.FAILED, JobTimedOut(f"It ran longer than {limit} s."))
    elif outcome.status is OutcomeStatus.SUCCEEDED:
        await _succeed(resources, link, run, outcome)
    elif outcome.status is OutcomeStatus.INTERRUPTED:
        # Nobody asked for it: somebody else pressed stop on that server.
        await _fail(resources, run, RunInterrupted("Somebody stopped it on the server."))
    else:
        await _fail(resources, run, _make_failure(outcome.error))


async def _succeed(resources: Resources, link: BackendLink, run: Run, outcome: Outcome) -> None:
    await ensure_held(resources, run)
    run.is_delivering = True
    ran_seconds = run.seconds_run  # what the backend took: fetching costs nobody anything
    deliveries = await fetch_outputs(resources, link, run, outcome)
    if not deliveries:
        nothing = WorkflowProducedNothing("The workflow ran, but no node left a file.")
        await _write(resources, run, JobState.FAILED, nothing)
        return
    await review_outputs(resources, run.job, deliveries)
    run.is_ending = True
    await insist(
        lambda: succeed(resources.store, run.assignment, deliveries, ran_seconds=ran_seconds)
    )


async def _fail(resources: Resources, run: Run, error: ComfyhouseError) -> None:
    """Try again where that can help and tries are left, else write the failure."""
    tries_left = run.assignment.attempt < resources.settings.jobs.max_attempts
    if error.retryable and tries_left and run.stop_reason is None:
        log.info("job %s will be tried again: %s", run.job.id, error.detail)
        await _give_back(resources, run, is_blamed=False, delay_seconds=_RETRY_PAUSE_SECONDS)
        return
    await _write(resources, run, JobState.FAILED, error)


async def _give_back(
    resources: Resources, run: Run, *, is_blamed: bool, delay_seconds: float = 0
) -> None:
    if run.starting is not None:
        await run.starting  # whether it had begun decides who is blamed
    run.is_ending = True
    verdict = await insist(
        lambda: requeue(
            resources.store, run.assignment, is_blamed=is_blamed, delay_seconds=delay_seconds
        )
    )
    if verdict == "poisonous":
        error = JobPoisonous("Two servers died while they ran it, so it is not tried again.")
        await _write(resources, run, JobState.FAILED, error)


async def _write(
    resources: Resources, run: Run, state: JobState, error: ComfyhouseError | None = None
) -> None:
    problem = make_problem(error) if error is not None else None
    run.is_ending = True
    await insist(lambda: finish(resources.store, run.assignment, state, error=problem))


def _make_failure(failure: ExecutionFailure | None) -> ComfyhouseError:
    if failure is None:
        return NodeFailed("The server did not say why.")
    where = {"node_id": failure.node_id, "class_type": failure.class_type}
    detail = f"{failure.exception_type}: {failure.message}"
    kind = OutOfMemory if failure.is_out_of_memory else NodeFailed
    return kind(
        f"Node {failure.node_id} ({failure.class_type}) failed.",
        errors=[{"detail": detail, "node_id": where["node_id"], "class_type": where["class_type"]}],
    )
