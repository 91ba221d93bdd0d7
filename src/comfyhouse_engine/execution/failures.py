"""How errors of nodes are told to clients."""

import traceback

_OUT_OF_MEMORY = "OutOfMemoryError"
_ADVICE = "This error means you ran out of memory on your GPU."


class OutOfMemoryError(Exception):
    """A node asked for more memory than the pretended GPU has."""


class SwitchedFailure(Exception):
    """The switch `fail_at_node` asked for this error."""


def type_name(error: BaseException) -> str:
    """Return the dotted name of an error's type, without `builtins`.

    Running out of memory has PyTorch's name, for that is what clients look for.
    """
    kind = type(error)
    if kind.__qualname__ == _OUT_OF_MEMORY:
        return f"torch.{_OUT_OF_MEMORY}"
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def describe_error(error: BaseException) -> str:
    """Return `exception_message`: the error's text, a line break, and advice if there is any."""
    return f"{error}\n{_ADVICE if type(error).__qualname__ == _OUT_OF_MEMORY else ''}"


def format_traceback(error: BaseException) -> list[str]:
    """Return the traceback as a list of lines, innermost last."""
    return traceback.format_tb(error.__traceback__)


def describe_value(value: object) -> object:
    """Return a value as error messages show it: scalars as they are, all else as text."""
    return value if isinstance(value, int | float | bool | str | None) else str(value)
