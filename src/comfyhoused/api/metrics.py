"""Figures for Prometheus, read from Redis, so that every API process tells the same."""

from collections.abc import Iterable

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from comfyhoused.adapters.redis.client import Store
from comfyhoused.core.fleet.backends import BackendStatus, list_statuses
from comfyhoused.core.jobs.counting import QueueCounts, count_queue


class _Snapshot(Collector):
    def __init__(self, counts: QueueCounts, statuses: list[BackendStatus]) -> None:
        self._counts = counts
        self._statuses = statuses

    def collect(self) -> Iterable[Metric]:
        jobs = GaugeMetricFamily("comfyhouse_jobs", "Jobs by state", labels=["state"])
        jobs.add_metric(["waiting"], self._counts.waiting)
        jobs.add_metric(["assigned"], self._counts.assigned)
        jobs.add_metric(["finished"], self._counts.finished)
        yield jobs
        yield GaugeMetricFamily(
            "comfyhouse_outbox", "Terminal jobs that are not settled", value=self._counts.outbox
        )
        ready = GaugeMetricFamily("comfyhouse_backend_ready", "1: takes jobs", labels=["backend"])
        for status in self._statuses:
            ready.add_metric([status.id], float(status.is_ready))
        yield ready


async def render_metrics(store: Store) -> bytes:
    """Return the figures in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Snapshot(await count_queue(store), await list_statuses(store)))
    return generate_latest(registry)
