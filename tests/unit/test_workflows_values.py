"""Single values: what each type takes, and how it is sent."""

import pytest

from comfyhoused.core.workflows.graph import Scalar
from comfyhoused.core.workflows.inputs import InputSpec
from comfyhoused.core.workflows.values import BadValue, read_value

WHOLE = InputSpec("INT", True, minimum=-5, maximum=100)
FREE_WHOLE = InputSpec("INT", True)
NUMBER = InputSpec("FLOAT", True, minimum=0.5)
TEXT = InputSpec("STRING", True)
FLAG = InputSpec("BOOLEAN", True)
CHOICE = InputSpec("COMBO", True, choices=("a", 1, True, 2.5))
LATENT = InputSpec("LATENT", True)


@pytest.mark.parametrize(
    ("spec", "value", "sent"),
    [
        (WHOLE, 7, 7),
        (WHOLE, "-5", -5),
        (WHOLE, 7.0, 7),
        (FREE_WHOLE, 2**64, 2**64),
        (NUMBER, 1, 1),
        (NUMBER, "1e2", 100.0),
        (NUMBER, ".5", 0.5),
        (NUMBER, 1e300, None),
        (TEXT, "", ""),
        (TEXT, 5, "5"),
        (TEXT, 0.25, "0.25"),
        (FLAG, True, True),
        (FLAG, 0, False),
        (CHOICE, "a", "a"),
        (CHOICE, 1, 1),
        (CHOICE, True, True),
        (CHOICE, 2.5, 2.5),
    ],
)
def test_values_that_fit(spec: InputSpec, value: Scalar, sent: Scalar | None) -> None:
    if sent is None:
        with pytest.raises(BadValue):
            read_value(spec, value, 100)
    else:
        read = read_value(spec, value, 100)
        assert (read, type(read)) == (sent, type(sent))


@pytest.mark.parametrize(
    ("spec", "value"),
    [
        (WHOLE, 7.5),
        (FREE_WHOLE, 1e17),
        (WHOLE, "7.0"),
        (WHOLE, "٧"),
        (WHOLE, True),
        (WHOLE, None),
        (WHOLE, -6),
        (WHOLE, 101),
        (WHOLE, 1e300),
        (WHOLE, float("nan")),
        (WHOLE, {"file_id": "file_abcd"}),
        (WHOLE, "9" * 5000),
        pytest.param(FREE_WHOLE, 10**5000, id="many digits"),
        (FREE_WHOLE, -(2**65)),
        (NUMBER, 0.4999),
        (NUMBER, "nan"),
        (NUMBER, "inf"),
        (NUMBER, "1e999"),
        (NUMBER, "1_0"),
        (NUMBER, False),
        (NUMBER, float("-inf")),
        (TEXT, True),
        (TEXT, None),
        (TEXT, float("nan")),
        pytest.param(TEXT, 10**5000, id="many digits as text"),
        (TEXT, "x" * 101),
        (TEXT, {}),
        (FLAG, "false"),
        (FLAG, 2),
        (FLAG, 1.0),
        (CHOICE, "b"),
        (CHOICE, False),
        (CHOICE, {"a": 1}),
        (LATENT, 5),
        (LATENT, "3"),
        (LATENT, None),
    ],
)
def test_values_that_do_not_fit(spec: InputSpec, value: object) -> None:
    with pytest.raises(BadValue) as caught:
        read_value(spec, value, 100)
    assert len(caught.value.detail) < 200
    caught.value.detail.encode()


def test_what_may_not_be_seen_is_not_guessed() -> None:
    with pytest.raises(BadValue, match="does not list"):
        read_value(InputSpec("COMBO", True), "anything", 100)
