"""The graph that paints a picture from words."""

from comfyhoused.core.workflows.graph import Graph, Node, Value
from comfyhoused.core.workflows.parameters import GenerateParameters, Lora


def make_node(class_type: str, **inputs: Value) -> Node:
    """Return a node; lists are links."""
    return Node(class_type=class_type, inputs=inputs)


def make_text_to_image(parameters: GenerateParameters) -> Graph:
    """Return the graph: empty latents of the asked size, painted from noise."""
    empty = make_node(
        "EmptyLatentImage",
        width=parameters.width,
        height=parameters.height,
        batch_size=parameters.num_images,
    )
    return {"latent": empty, **make_painting(parameters, latent=["latent", 0], denoise=1.0)}


def make_painting(parameters: GenerateParameters, *, latent: Value, denoise: float) -> Graph:
    """Return the nodes all pictures share: model, LoRAs, both texts, sampler, decoder, output."""
    graph: Graph = {"model": make_node("CheckpointLoaderSimple", ckpt_name=parameters.model)}
    painter = _add_loras(graph, parameters.loras)
    for name, text in (
        ("positive", parameters.prompt),
        ("negative", parameters.negative_prompt),
    ):
        graph[name] = make_node("CLIPTextEncode", text=text, clip=[painter, 1])
    graph["sampler"] = make_node(
        "KSampler",
        model=[painter, 0],
        positive=["positive", 0],
        negative=["negative", 0],
        latent_image=latent,
        seed=parameters.seed,
        steps=parameters.steps,
        cfg=parameters.cfg_scale,
        sampler_name=parameters.sampler_name,
        scheduler=parameters.scheduler,
        denoise=denoise,
    )
    graph["decoder"] = make_node("VAEDecode", samples=["sampler", 0], vae=["model", 2])
    graph["output"] = make_node("SaveImage", images=["decoder", 0], filename_prefix="ch")
    return graph


def _add_loras(graph: Graph, loras: tuple[Lora, ...]) -> str:
    """Chain the LoRAs after the model; return the id of the node that ends the chain."""
    last = "model"
    for number, lora in enumerate(loras, start=1):
        graph[f"lora{number}"] = make_node(
            "LoraLoader",
            model=[last, 0],
            clip=[last, 1],
            lora_name=lora.name,
            strength_model=lora.strength,
            strength_clip=lora.strength,
        )
        last = f"lora{number}"
    return last
