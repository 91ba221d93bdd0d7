"""Doorbells: Dramatiq messages that say "look". The Redis record is the truth, so they may
be lost or doubled; every actor must be right when it runs twice, or for nothing.

Dramatiq's defaults are wrong for this work: after a `kill -9` its messages came back after
minutes. Recovery therefore never waits for Dramatiq; it only hurries.
"""

from collections.abc import Callable

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import Retries

from comfyhoused.kit.log import get_logger

log = get_logger(__name__)

NAMESPACE = "ch:1:dramatiq"
QUEUE = "gpu"
ACTOR = "look_for_work"


def make_broker(redis_url: str) -> RedisBroker:
    """Return a broker.

    Heartbeats of 15 s with maintenance at every command bring a killed worker's messages
    back; there is no time limit, for the jobs have their own.
    """
    broker = RedisBroker(  # type: ignore[no-untyped-call]
        url=redis_url,
        namespace=NAMESPACE,
        middleware=[Retries(max_retries=3)],
        heartbeat_timeout=15_000,
        maintenance_chance=1_000_000,
        socket_connect_timeout=1,
        socket_timeout=5,
    )
    broker.declare_queue(QUEUE)
    return broker


def ring(broker: RedisBroker) -> None:
    """Send one doorbell. It blocks for seconds when Redis is down: never on the event loop."""
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name=QUEUE, actor_name=ACTOR, args=(), kwargs={}, options={}
    )
    try:
        broker.enqueue(message)
    except dramatiq.BrokerError as error:
        log.warning("a doorbell was lost, which is fine: %s", error)


def make_listener(broker: RedisBroker, answer: Callable[[], None]) -> dramatiq.Worker:
    """Return a Dramatiq worker, not started, that calls `answer` at each doorbell."""
    declare = dramatiq.actor(actor_name=ACTOR, queue_name=QUEUE, broker=broker, max_retries=3)
    declare(answer)
    listener = dramatiq.Worker(broker, worker_threads=1)
    listener.queue_prefetch = 1
    return listener
