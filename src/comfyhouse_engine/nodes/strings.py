"""Nodes that work on text."""

from collections.abc import Callable
from typing import ClassVar

from comfyhouse_engine.nodes.inputs import schema_choice
from comfyhouse_engine.nodes.tensors import Inputs

_TEXT = ("STRING", {"multiline": True})
_YES = ("BOOLEAN", {"default": True})


class _StringNode:
    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_string"
    RETURN_TYPES: tuple[str, ...] = ("STRING",)
    FUNCTION = "execute"
    CATEGORY = "utils/string"
    IS_SCHEMA_NODE: ClassVar[bool] = True


class StringConcatenate(_StringNode):
    """Joins two texts."""

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        delimiter = ("STRING", {"default": "", "multiline": False})
        return {"required": {"string_a": _TEXT, "string_b": _TEXT, "delimiter": delimiter}}

    def execute(self, string_a: str, string_b: str, delimiter: str) -> tuple[str]:
        return (delimiter.join((string_a, string_b)),)


class StringSubstring(_StringNode):
    """Takes the characters from `start` up to `end`; negative ones count from the back."""

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"string": _TEXT, "start": ("INT", {}), "end": ("INT", {})}}

    def execute(self, string: str, start: int, end: int) -> tuple[str]:
        return (string[start:end],)


class StringLength(_StringNode):
    """Counts characters."""

    RETURN_TYPES = ("INT",)
    RETURN_NAMES = ("length",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"string": _TEXT}}

    def execute(self, string: str) -> tuple[int]:
        return (len(string),)


class CaseConverter(_StringNode):
    """Changes capitals."""

    MODES: ClassVar[dict[str, Callable[[str], str]]] = {
        "UPPERCASE": str.upper,
        "lowercase": str.lower,
        "Capitalize": str.capitalize,
        "Title Case": str.title,
    }

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"string": _TEXT, "mode": schema_choice(*cls.MODES)}}

    def execute(self, string: str, mode: str) -> tuple[str]:
        return (self.MODES[mode](string),)


class StringTrim(_StringNode):
    """Removes white space at the ends."""

    MODES: ClassVar[dict[str, Callable[[str], str]]] = {
        "Both": str.strip,
        "Left": str.lstrip,
        "Right": str.rstrip,
    }

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"string": _TEXT, "mode": schema_choice(*cls.MODES)}}

    def execute(self, string: str, mode: str) -> tuple[str]:
        return (self.MODES[mode](string),)


class StringReplace(_StringNode):
    """Replaces every occurrence."""

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"string": _TEXT, "find": _TEXT, "replace": _TEXT}}

    def execute(self, string: str, find: str, replace: str) -> tuple[str]:
        return (string.replace(find, replace),)


class StringContains(_StringNode):
    """Tells whether a text occurs in another."""

    RETURN_TYPES = ("BOOLEAN",)
    RETURN_NAMES = ("contains",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"string": _TEXT, "substring": _TEXT, "case_sensitive": _YES}}

    def execute(self, string: str, substring: str, case_sensitive: bool) -> tuple[bool]:
        if case_sensitive:
            return (substring in string,)
        return (substring.lower() in string.lower(),)


class StringCompare(_StringNode):
    """Tells whether one text equals, starts with or ends with another."""

    MODES: ClassVar[dict[str, Callable[[str, str], bool]]] = {
        "Starts With": lambda a, b: a.startswith(b),
        "Ends With": lambda a, b: a.endswith(b),
        "Equal": lambda a, b: a == b,
    }
    RETURN_TYPES = ("BOOLEAN",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        mode = schema_choice(*cls.MODES)
        texts = {"string_a": _TEXT, "string_b": _TEXT}
        return {"required": {**texts, "mode": mode, "case_sensitive": _YES}}

    def execute(self, string_a: str, string_b: str, mode: str, case_sensitive: bool) -> tuple[bool]:
        if not case_sensitive:
            string_a, string_b = string_a.lower(), string_b.lower()
        return (self.MODES[mode](string_a, string_b),)


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "StringConcatenate": StringConcatenate,
    "StringSubstring": StringSubstring,
    "StringLength": StringLength,
    "CaseConverter": CaseConverter,
    "StringTrim": StringTrim,
    "StringReplace": StringReplace,
    "StringContains": StringContains,
    "StringCompare": StringCompare,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "StringConcatenate": "Concatenate",
    "StringSubstring": "Substring",
    "StringLength": "Length",
    "CaseConverter": "Case Converter",
    "StringTrim": "Trim",
    "StringReplace": "Replace",
    "StringContains": "Contains",
    "StringCompare": "Compare",
}
