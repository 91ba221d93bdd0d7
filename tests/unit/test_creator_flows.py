"""What a browser takes along to Google fits into a cookie, whatever it wants to come back to."""

import base64

import pytest

from comfyhoused.creator.flows import Flow, make_flow
from comfyhoused.creator.next_page import HOME, check_next
from comfyhoused.kit.vault import Vault

_MOST_BYTES = 4096
_START = "/creator/gallery?q="


@pytest.mark.parametrize("letter", ["a", "é", "写", "😀", '"', "%20"])
@pytest.mark.parametrize("number", [50, 120, 240, 480, 5000])
def test_three_ways_fit_into_one_cookie(letter: str, number: int) -> None:
    wanted = check_next(_START + letter * number)
    flows = [make_flow("connect", wanted, "user_" + "x" * 22, "con_" + "x" * 22) for _ in range(3)]
    sealed = Vault([bytes(32)]).seal(f"[{','.join(map(Flow.model_dump_json, flows))}]", "")
    header = f"__Host-ch_flows={base64.urlsafe_b64encode(sealed).decode()}"
    assert (
        len(header) + len("; HttpOnly; Max-Age=1800; Path=/; SameSite=Lax; Secure") <= _MOST_BYTES
    )
    assert wanted in (HOME, _START + letter * number)


def test_an_address_that_cannot_be_written_leads_home() -> None:
    assert check_next("/creator/gallery?q=\ud800") == HOME
    assert check_next(_START + "写" * 50) == _START + "写" * 50
