"""Nodes that hold one value."""

from typing import ClassVar, Generic, TypeVar

from comfyhouse_engine.nodes.tensors import Inputs

_LARGEST = 2**63 - 1
_T = TypeVar("_T")


class _Primitive(Generic[_T]):
    RELATIVE_PYTHON_MODULE = "comfy_extras.nodes_primitive"
    FUNCTION = "execute"
    CATEGORY = "utils/primitive"
    IS_SCHEMA_NODE: ClassVar[bool] = True

    def execute(self, value: _T) -> tuple[_T]:
        return (value,)


class PrimitiveString(_Primitive[str]):
    """A line of text."""

    RETURN_TYPES = ("STRING",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"value": ("STRING", {"multiline": False})}}


class PrimitiveStringMultiline(_Primitive[str]):
    """Lines of text."""

    RETURN_TYPES = ("STRING",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"value": ("STRING", {"multiline": True})}}


class PrimitiveInt(_Primitive[int]):
    """A whole number."""

    RETURN_TYPES = ("INT",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        options = {"min": -_LARGEST, "max": _LARGEST, "control_after_generate": True}
        return {"required": {"value": ("INT", options)}}


class PrimitiveFloat(_Primitive[float]):
    """A number."""

    RETURN_TYPES = ("FLOAT",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"value": ("FLOAT", {"min": -_LARGEST, "max": _LARGEST})}}


class PrimitiveBoolean(_Primitive[bool]):
    """Yes or no."""

    RETURN_TYPES = ("BOOLEAN",)

    @classmethod
    def INPUT_TYPES(cls) -> Inputs:
        return {"required": {"value": ("BOOLEAN", {})}}


NODE_CLASS_MAPPINGS: dict[str, type] = {
    "PrimitiveString": PrimitiveString,
    "PrimitiveStringMultiline": PrimitiveStringMultiline,
    "PrimitiveInt": PrimitiveInt,
    "PrimitiveFloat": PrimitiveFloat,
    "PrimitiveBoolean": PrimitiveBoolean,
}
NODE_DISPLAY_NAME_MAPPINGS = {
    "PrimitiveString": "String",
    "PrimitiveStringMultiline": "String (Multiline)",
    "PrimitiveInt": "Int",
    "PrimitiveFloat": "Float",
    "PrimitiveBoolean": "Boolean",
}
