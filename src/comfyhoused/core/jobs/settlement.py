"""From "terminal" to "charged": the outbox of terminal jobs and the verbs that empty it.

`finish` appends to the outbox in the same script that ends the job, so no end is lost.
Readers settle each entry idempotently by the job's id and acknowledge it after that.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from comfyhoused.adapters.redis.client import Store, StoreUnavailable
from comfyhoused.adapters.redis.streams import claim_rows, copy_row, drop_row
from comfyhoused.core.jobs.record import PREFIX
from comfyhoused.core.jobs.scripts import SCRIPTS
from comfyhoused.core.jobs.states import JobState
from comfyhoused.kit.errors import Unavailable
from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

_OUTBOX = f"{PREFIX}outbox"
_UNREADABLE = f"{PREFIX}outbox:unreadable"


@dataclass(frozen=True, slots=True)
class Ending:
    """A job that has become terminal; its record may be erased by now. `units` are reserved.

    `attempt` is the number of the last one, 0 where none was made; None: look at the record.
    `period` is the month in whose books they stand ('' before there were any); `ran_seconds`
    is what the backend took.
    """

    job_id: str
    owner: str
    mode: str
    state: JobState
    units: int
    attempt: int | None
    period: str = ""
    kind: str = ""
    batch: str = ""
    ran_seconds: float = 0


async def settle(
    store: Store,
    owner: str,
    job_id: str,
    verb: Literal["settle", "release"],
    units: int,
    *,
    period: str = "",
) -> bool:
    """Turn the reservation into a charge or give it back; False when that was done before.

    At most what was reserved is charged.
    """
    answer = await SCRIPTS.run(store, "settle", owner, job_id, verb, units, period)
    return bool(answer != "done")


async def read_outbox(
    store: Store,
    group: str,
    consumer: str,
    handle: Callable[[Ending], Awaitable[None]],
    *,
    idle_ms: int = 10_000,
    most: int = 100,
) -> int:
    """Handle what a dead reader left behind, then what is new; returns how many were handled.

    An ending that cannot be handled now stays for later and does not hold up the others; its
    Unavailable is raised after them, and StoreUnavailable at once. One that meets a fault of ours
    stays too, and is tried again each time its turn comes.
    """
    rows = await claim_rows(store, _OUTBOX, group, consumer, idle_ms=idle_ms, most=most)
    failure: Unavailable | None = None
    for row_id, fields in rows:
        ending = _read_ending(fields)
        if ending is None:
            # Set aside, not dropped: one row that cannot be read must not hold up the others.
            log.error("outbox row %s cannot be read: %s", row_id, fields)
            await copy_row(store, _UNREADABLE, fields)
        else:
            try:
                await handle(ending)
            except StoreUnavailable:
                raise
            except Unavailable as error:
                failure = error
                continue
            except Exception:  # the border of a chore: nobody else must wait for their bill
                log.exception("job %s cannot be settled", ending.job_id)
                continue
        await drop_row(store, _OUTBOX, group, row_id)
    if failure is not None:
        raise failure
    return len(rows)


def _read_ending(fields: Mapping[str, str]) -> Ending | None:
    try:
        return Ending(
            job_id=fields["job"],
            owner=fields["owner"],
            mode=fields["mode"],
            state=JobState(fields["state"]),
            units=int(float(fields["units"])),
            attempt=int(fields["attempt"]) if "attempt" in fields else None,
            period=fields.get("period", ""),
            kind=fields.get("kind", ""),
            batch=fields.get("batch", ""),
            ran_seconds=int(fields.get("ran", "0")) / 1000,
        )
    except (KeyError, ValueError):
        return None
