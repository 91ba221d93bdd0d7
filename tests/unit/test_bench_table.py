"""The bench's table and arithmetic; what it measures is never asserted."""

from bench.figures import Figure, Target, find_percentile
from bench.gaps import list_gaps_ms, list_runs
from bench.table import render_table


def test_the_table_says_what_is_met_and_what_was_not_measured() -> None:
    figures = [
        Figure("ratio", "×", 1.234, Target(1.5)),
        Figure("rate", "jobs/s", 12.0, Target(100, "≥")),
        Figure("plain", "ms", 7.25),
        Figure("cold", "s", None, Target(120), "skipped"),
    ]
    lines = [line.split() for line in render_table(figures).splitlines()]
    assert lines[2] == ["ratio", "≤", "1.50×", "1.23×", "met"]
    assert lines[3] == ["rate", "≥", "100", "jobs/s", "12.0", "jobs/s", "NOT", "MET"]
    assert lines[4] == ["plain", "7.2", "ms"]
    assert lines[5] == ["cold", "≤", "120", "s", "–", "skipped"]


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(1, 101)]
    assert find_percentile(values, 50) == 50
    assert find_percentile(values, 95) == 95
    assert find_percentile([3.0], 95) == 3.0


def _line(event: str, prompt_id: str, at: float) -> dict[str, object]:
    return {"event": event, "prompt_id": prompt_id, "at": at}


def test_only_gaps_with_a_job_waiting_are_counted() -> None:
    executions = [
        _line("start", "a", 1.0),
        _line("end", "a", 2.0),
        _line("start", "b", 2.5),
        _line("end", "b", 3.0),
        _line("start", "c", 9.0),
        _line("end", "c", 9.5),
    ]
    accepted_at = {"a": 0.0, "b": 0.5, "c": 8.9}
    assert list_gaps_ms(executions, accepted_at) == [500.0]


def test_a_history_reads_like_the_execution_log() -> None:
    messages = [
        ["execution_start", {"timestamp": 1000}],
        ["execution_cached", {"timestamp": 1001}],
        ["execution_success", {"timestamp": 2000}],
    ]
    history = {"a": {"status": {"messages": messages}}}
    assert list_runs(history) == [_line("start", "a", 1.0), _line("end", "a", 2.0)]
