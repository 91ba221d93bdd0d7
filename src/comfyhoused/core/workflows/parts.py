"""The nodes that all pictures share: model, LoRAs, texts, control picture, sampler, output."""

from dataclasses import dataclass, replace

from comfyhoused.core.workflows.control import Control, ControlWay
from comfyhoused.core.workflows.graph import Graph, Node, Value
from comfyhoused.core.workflows.painters import Painter
from comfyhoused.core.workflows.parameters import GenerateParameters, Lora


@dataclass(frozen=True, slots=True)
class Plan:
    """What is painted, by which files of one server."""

    parameters: GenerateParameters
    painter: Painter
    control_way: ControlWay | None = None


@dataclass(frozen=True, slots=True)
class Ends:
    """The loose ends of a graph that is being built; each is a link."""

    model: Value
    vae: Value
    positive: Value
    negative: Value


def make_node(class_type: str, **inputs: Value) -> Node:
    """Return a node; lists are links."""
    return Node(class_type=class_type, inputs=inputs)


def make_beginning(plan: Plan) -> tuple[Graph, Ends]:
    """Return the nodes before the sampler: model, LoRAs, both texts, and the control picture."""
    graph, model, clip, vae = _make_loaders(plan.painter)
    for number, lora in enumerate(plan.parameters.loras, start=1):
        graph[f"lora{number}"] = _make_lora(lora, model, clip)
        model, clip = [f"lora{number}", 0], [f"lora{number}", 1]
    ends = Ends(model, vae, *_add_texts(graph, plan, clip))
    if plan.parameters.control is not None and plan.control_way is not None:
        ends = _add_control(graph, plan, plan.parameters.control, plan.control_way, ends)
    return graph, ends


def _make_loaders(painter: Painter) -> tuple[Graph, Value, Value, Value]:
    """Return the loaders and the links that give MODEL, CLIP and VAE."""
    if not painter.encoders:
        checkpoint = make_node("CheckpointLoaderSimple", ckpt_name=painter.model)
        return {"model": checkpoint}, ["model", 0], ["model", 1], ["model", 2]
    graph = {
        "model": make_node("UNETLoader", unet_name=painter.model, weight_dtype="default"),
        "clip": make_node(
            "DualCLIPLoader",
            clip_name1=painter.encoders[0],
            clip_name2=painter.encoders[1],
            type="flux",
        ),
        "vae": make_node("VAELoader", vae_name=painter.vae),
    }
    return graph, ["model", 0], ["clip", 0], ["vae", 0]


def _make_lora(lora: Lora, model: Value, clip: Value) -> Node:
    return make_node(
        "LoraLoader",
        model=model,
        clip=clip,
        lora_name=lora.name,
        strength_model=lora.strength,
        strength_clip=lora.strength,
    )


def _add_texts(graph: Graph, plan: Plan, clip: Value) -> tuple[Value, Value]:
    parameters = plan.parameters
    for name, text in (
        ("positive", parameters.prompt),
        ("negative", parameters.negative_prompt),
    ):
        if plan.painter.family.texts == "sdxl":
            graph[name] = _make_sized_text(text, parameters, clip)
        else:
            graph[name] = make_node("CLIPTextEncode", text=text, clip=clip)
    if plan.painter.family.texts != "flux":
        return ["positive", 0], ["negative", 0]
    graph["guided"] = make_node(
        "FluxGuidance", conditioning=["positive", 0], guidance=parameters.cfg_scale
    )
    return ["guided", 0], ["negative", 0]


def _make_sized_text(text: str, parameters: GenerateParameters, clip: Value) -> Node:
    """SDXL was taught which size its pictures had; ComfyUI's plain node always says 768."""
    width, height = parameters.width, parameters.height
    return make_node(
        "CLIPTextEncodeSDXL",
        clip=clip,
        width=width,
        height=height,
        crop_w=0,
        crop_h=0,
        target_width=width,
        target_height=height,
        text_g=text,
        text_l=text,
    )


def _add_control(graph: Graph, plan: Plan, control: Control, way: ControlWay, ends: Ends) -> Ends:
    """Hang the control picture on both texts. Flux' ControlNets want the VAE besides."""
    graph["control_image"] = make_node("LoadImage", image={"file_id": control.file_id})
    fitted = make_scaling(["control_image", 0], plan.parameters, crop="center")
    graph["control_scaled"] = fitted
    hint: Value = ["control_scaled", 0]
    if way.preprocessor is not None:
        inputs = dict(way.preprocessor.inputs)
        graph["control_map"] = make_node(way.preprocessor.node, image=hint, **inputs)
        hint = ["control_map", 0]
    graph["control_net"] = make_node("ControlNetLoader", control_net_name=way.model)
    net: Value = ["control_net", 0]
    if way.mode:
        graph["control_mode"] = make_node("SetUnionControlNetType", control_net=net, type=way.mode)
        net = ["control_mode", 0]
    graph["controlled"] = make_node(
        "ControlNetApplyAdvanced",
        positive=ends.positive,
        negative=ends.negative,
        control_net=net,
        image=hint,
        strength=control.strength,
        start_percent=0.0,
        end_percent=1.0,
    )
    if plan.painter.family.texts == "flux":
        graph["controlled"]["inputs"]["vae"] = ends.vae
    return replace(ends, positive=["controlled", 0], negative=["controlled", 1])


def make_scaling(image: Value, parameters: GenerateParameters, *, crop: str) -> Node:
    """Return the node that brings a picture to the size that is painted."""
    return make_node(
        "ImageScale",
        image=image,
        upscale_method="lanczos",
        width=parameters.width,
        height=parameters.height,
        crop=crop,
    )


def make_painting(plan: Plan, ends: Ends, latent: Value, *, denoise: float) -> Graph:
    """Return sampler and decoder; node `decoder` gives the pictures."""
    parameters = plan.parameters
    # Flux is distilled: its guidance is in the text, and cfg 1 leaves the negative one unread.
    is_flux = plan.painter.family.texts == "flux"
    sampler = make_node(
        "KSampler",
        model=ends.model,
        positive=ends.positive,
        negative=ends.negative,
        latent_image=latent,
        seed=parameters.seed,
        steps=parameters.steps,
        cfg=1.0 if is_flux else parameters.cfg_scale,
        sampler_name=parameters.sampler_name,
        scheduler=parameters.scheduler,
        denoise=denoise,
    )
    decoder = make_node("VAEDecode", samples=["sampler", 0], vae=ends.vae)
    return {"sampler": sampler, "decoder": decoder}


def make_output(images: Value) -> Node:
    """Return the node that saves the result."""
    return make_node("SaveImage", images=images, filename_prefix="ch")
