"""How long a job rests after it lost its backend."""

from comfyhoused.core.jobs.driving import get_pause_seconds


def test_the_first_losses_cost_no_time_and_later_ones_more_and_more() -> None:
    pauses = [get_pause_seconds(attempt) for attempt in range(1, 40)]
    assert pauses[:3] == [0.0, 0.0, 0.0]
    assert pauses == sorted(pauses)
    assert pauses[3] == 1.0
    assert pauses[-1] == 60.0


def test_any_number_of_attempts_is_fine() -> None:
    assert get_pause_seconds(10**9) == 60.0
