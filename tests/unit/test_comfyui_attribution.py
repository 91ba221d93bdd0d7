"""Frames that name no prompt go to the one that runs, or to nobody."""

from comfyhoused.adapters.comfyui.attribution import Attribution
from comfyhoused.adapters.comfyui.frames import Ended, Frame, NodeStarted, Preview, Started

PREVIEW = Frame(None, (Preview(b"x", "image/jpeg", None),))
RESENT = Frame(None, (NodeStarted("3"),))


def test_an_old_preview_belongs_to_the_prompt_named_last() -> None:
    """22."""
    attribution = Attribution()
    attribution.find_prompt(Frame("a", (Started(),)), {"a", "b"})
    assert attribution.find_prompt(PREVIEW, {"a", "b"}) == "a"


def test_a_preview_of_another_clients_run_is_nobodys() -> None:
    """17: a prompt without client id broadcasts progress_state and previews to all."""
    attribution = Attribution()
    attribution.find_prompt(Frame("a", (Started(),)), {"a"})
    attribution.find_prompt(Frame("a", (Ended(),)), {"a"})
    attribution.find_prompt(Frame("stranger", ()), {"a"})
    assert attribution.find_prompt(PREVIEW, {"a"}) == "stranger"


def test_after_the_end_a_preview_is_nobodys() -> None:
    attribution = Attribution()
    attribution.find_prompt(Frame("a", (Started(),)), {"a"})
    attribution.find_prompt(Frame("a", (Ended(),)), {"a"})
    assert attribution.find_prompt(PREVIEW, {"a"}) is None


def test_after_a_reconnect_a_picture_waits_for_a_name() -> None:
    """20: the run may have ended and another customer's begun while the socket was away."""
    attribution = Attribution()
    attribution.find_prompt(Frame("a", (Started(),)), {"a", "b"})
    attribution.note_disconnected()
    assert attribution.find_prompt(PREVIEW, {"a", "b"}) is None
    attribution.find_prompt(Frame("b", ()), {"a", "b"})
    assert attribution.find_prompt(PREVIEW, {"a", "b"}) == "b"


def test_the_executing_that_is_sent_again_belongs_to_the_prompt_that_ran() -> None:
    """20: without prompt_id."""
    attribution = Attribution()
    attribution.find_prompt(Frame("a", (Started(),)), {"a", "b"})
    attribution.note_disconnected()
    attribution.note_disconnected()
    assert attribution.find_prompt(RESENT, {"a", "b"}) == "a"


def test_whoever_takes_over_one_prompt_gets_the_executing() -> None:
    """20: the socket that heard its start belonged to a dead worker."""
    assert Attribution().find_prompt(RESENT, {"a"}) == "a"
    assert Attribution().find_prompt(RESENT, {"a", "b"}) is None
    assert Attribution().find_prompt(RESENT, set()) is None
