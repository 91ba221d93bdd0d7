"""The engine that tests start: on a free port, with switches, killed and restarted on its data."""

from tests.conftest import MakeEngine


def test_an_engine_restarts_on_its_port_and_takes_switches(make_engine: MakeEngine) -> None:
    engine = make_engine()
    url = engine.url
    engine.set_switch(node_seconds=0.1)
    assert engine.executions() == []
    engine.restart()
    assert engine.url == url
    assert engine.is_alive
