"""Why a job fails after it was accepted."""

from comfyhoused.kit.errors import BackendFailure, Unprocessable


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
