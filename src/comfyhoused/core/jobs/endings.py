"""Why a job fails after it was accepted."""

from comfyhoused.kit.errors import BackendFailure, Conflict, Problem, Unprocessable, make_problem


class JobTimedOut(BackendFailure):
    """It ran longer than `timeout_seconds`. It is free."""

    code = "job_timed_out"
    title = "The job ran too long"
    retryable = False


class JobPoisonous(BackendFailure):
    """It has killed two servers, so it is not tried a third time."""

    code = "job_poisonous"
    title = "The job brings servers down"
    retryable = False


class NodeFailed(Unprocessable):
    """A node of the workflow raised an error while it ran."""

    code = "node_failed"
    title = "A node of the workflow failed"


class OutOfMemory(BackendFailure):
    """The server has not enough memory for the job: make it smaller."""

    code = "out_of_memory"
    title = "The server ran out of memory"


class ResultLost(BackendFailure):
    """It ran, but the server has forgotten how it ended; its history may have been cleared."""

    code = "result_lost"
    title = "The server has forgotten the result"


class DrivingBroke(BackendFailure):
    """A fault of ours while the job ran."""

    code = "driving_broke"
    title = "Something broke on our side while the job ran"


class RunInterrupted(BackendFailure):
    """The run was stopped on the server by somebody else."""

    code = "run_interrupted"
    title = "The run was stopped on the server"


class WorkflowProducedNothing(Unprocessable):
    """The workflow succeeded but left no output."""

    code = "no_outputs"
    title = "The workflow made no output"


class JobExpired(Conflict):
    """It waited longer than `expires_in_seconds` and was never started. It is free."""

    code = "job_expired"
    title = "The job waited too long"
    retryable = True


def make_expiry() -> Problem:
    """Return what an expired job says."""
    return make_problem(JobExpired("No server was free in time. You were not charged."))
