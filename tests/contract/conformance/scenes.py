"""Scenes of several prompts or sockets: what the recorder did, done again.

Each returns by socket the labels of its frames, without those that depend on timing.
"""

from collections.abc import Awaitable, Callable

from tests.contract.conformance.frames import without_chance
from tests.contract.conformance.graphs import make_noop, make_t2i
from tests.contract.conformance.sockets import Socket
from tests.contract.conformance.stage import Stage

Labels = dict[str, list[str]]
_END = "executing None"


async def warm(stage: Stage) -> None:
    """Let the engine hold all results that do not depend on the seed."""
    await stage.run(make_t2i(seed=4711))


async def cool(stage: Stage) -> None:
    """Let the engine hold nothing that the scenes use."""
    await stage.run(make_noop(color=4711))


async def interrupt_while_idle(stage: Stage) -> Labels:
    """An interrupt that hits nothing, then a prompt."""
    await cool(stage)
    await stage.post("interrupt", {})
    socket = await Socket.connect(stage, "e5")
    await stage.queue(make_noop(501), client_id="e5")
    return {"socket": await socket.read_until(_END)}


async def interrupt_pending_then_any(stage: Stage) -> Labels:
    """A runs, B waits: an interrupt of B does nothing, one without a name ends A."""
    await warm(stage)
    socket = await Socket.connect(stage, "e7")
    await stage.switch(hold_at_step=3)
    await stage.queue(make_t2i(701, steps=5), client_id="e7")
    waiting = await stage.queue(make_noop(702), client_id="e7")
    labels = await socket.read_until("binary")
    await stage.post("interrupt", {"prompt_id": waiting})
    labels += await socket.read_until("binary")
    await stage.post("interrupt", {})
    return {"socket": labels + await socket.read_until(_END) + await socket.read_until(_END)}


async def delete_and_clear(stage: Stage) -> Labels:
    """One runs, four wait; one is deleted, the running one "deleted", then all are cleared."""
    await cool(stage)
    socket = await Socket.connect(stage, "f")
    await stage.switch(hold_at_step=2)
    running = await stage.queue(make_t2i(801), client_id="f")
    await stage.wait_until_running(running)
    waiting = [await stage.queue(make_noop(801 + n), client_id="f") for n in range(3)]
    await stage.queue(make_noop(890), client_id="f", front=True)
    labels = await socket.read_until("binary")
    await stage.post("queue", {"delete": [waiting[1]]})
    await stage.post("queue", {"delete": [running]})
    await stage.post("queue", {"clear": True})
    await stage.switch(hold_at_step=0)
    return {"socket": labels + await socket.read_until(_END) + await socket.read_rest()}


async def two_clients(stage: Stage) -> Labels:
    """Two prompts of two clients: neither sees the other's run."""
    await warm(stage)
    first, second = await Socket.connect(stage, "g1"), await Socket.connect(stage, "g2")
    await stage.queue(make_t2i(901, steps=3), client_id="g1")
    await stage.queue(make_t2i(902, steps=2), client_id="g2")
    seen = await second.read_until(_END)
    return {"client1": await first.read_rest(), "client2": seen}


async def reconnect(stage: Stage) -> Labels:
    """A socket closes in mid-run and comes back under the same id, without feature flags."""
    await warm(stage)
    first = await Socket.connect(stage, "h1", flags=True)
    await stage.switch(hold_at_step=2)
    await stage.queue(make_t2i(1001), client_id="h1")
    seen = await first.read_until("progress 3")
    await first.close()
    second = await Socket.connect(stage, "h1")
    greetings = await second.read_until("executing")
    await stage.switch(hold_at_step=0)
    return {"first": seen, "second": greetings + await second.read_until(_END)}


async def take_over(stage: Stage) -> Labels:
    """A newer socket under the same id takes over, and goes deaf when the older one closes."""
    await warm(stage)
    old = await Socket.connect(stage, "h2")
    await stage.switch(hold_at_step=2)
    prompt_id = await stage.queue(make_t2i(1101, steps=5), client_id="h2")
    seen_by_old = await old.read_until("binary")
    new = await Socket.connect(stage, "h2")
    seen_by_new = await new.read_until("executing")
    await stage.switch(hold_at_step=3)
    seen_by_new += await new.read_until("binary")
    seen_by_old += await old.read_rest()
    await old.close()
    await stage.post("interrupt", {})
    await stage.wait_for_history(prompt_id)
    await stage.run(make_noop(1102), client_id="h2")
    seen_by_new += await new.read_rest()
    return {"old": seen_by_old, "new": seen_by_new}


async def owner_and_bystanders(stage: Stage) -> Labels:
    """A run's frames go to its owner; others see `status` only."""
    await warm(stage)
    owner = await Socket.connect(stage, "i")
    bystander, anonymous = await Socket.connect(stage, "j"), await Socket.connect(stage, None)
    await stage.queue(make_t2i(1201), client_id="i")
    return {
        "owner": await owner.read_until(_END),
        "bystander": await bystander.read_rest(),
        "anonymous": await anonymous.read_rest(),
    }


async def nobody_listens(stage: Stage) -> Labels:
    """A run whose client has no socket: its frames are dropped."""
    await warm(stage)
    bystander = await Socket.connect(stage, "not i2")
    await stage.run(make_t2i(1301), client_id="i2")
    return {"socket": await bystander.read_rest()}


async def same_id_twice(stage: Stage) -> Labels:
    """The same prompt id queued twice while another prompt runs: both run."""
    await cool(stage)
    socket = await Socket.connect(stage, "l")
    await stage.queue(make_t2i(1401, steps=3), client_id="l")
    for color in (1402, 1403):
        await stage.queue(make_noop(color), client_id="l", prompt_id="twice")
    ends = [await socket.read_until(_END) for _ in range(3)]
    return {"socket": [label for labels in ends for label in labels]}


SCENES: dict[str, Callable[[Stage], Awaitable[Labels]]] = {
    "e5": interrupt_while_idle,
    "e7": interrupt_pending_then_any,
    "f": delete_and_clear,
    "g": two_clients,
    "h1": reconnect,
    "h2": take_over,
    "i": owner_and_bystanders,
    "i2": nobody_listens,
    "l": same_id_twice,
}


async def play_scene(stage: Stage, name: str) -> Labels:
    """Play one scene and return what each socket saw."""
    seen = await SCENES[name](stage)
    await stage.settle()
    return {socket: without_chance(labels) for socket, labels in seen.items()}
