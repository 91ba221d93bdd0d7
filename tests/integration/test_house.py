"""The house that tests start: ready, working, and gone without a trace."""

from pathlib import Path

from tests.conftest import MakeHouse


async def test_house_makes_a_picture_and_leaves_no_process(make_house: MakeHouse) -> None:
    house = await make_house()
    job_id = await house.submit()
    job = await house.wait_state(job_id, "succeeded")

    assert len(job["images"]) == 1
    assert list(house.count_starts().values()) == [1]
    pids = [part.pid for part in (*house.workers, *house.apis, house.engine, house.valkey)]
    await house.close()
    assert len(pids) == 4
    assert not any(Path(f"/proc/{pid}").exists() for pid in pids)
