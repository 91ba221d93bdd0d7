"""Reading /object_info: tolerant of what is not understood."""

from comfyhoused.core.workflows.catalogue import merge_catalogues, parse_catalogue
from comfyhoused.core.workflows.validation import check_graph
from tests.workflow_cases import CATALOGUE, CHECKPOINT, OBJECT_INFO, POLICY, make_text_graph


def test_lists_come_from_the_loaders() -> None:
    assert CATALOGUE.checkpoints == (CHECKPOINT, "photo.ckpt")
    assert CATALOGUE.samplers[:2] == ("euler", "heun")
    assert CATALOGUE.schedulers == ("simple", "karras", "normal")
    assert CATALOGUE.loras == ("warm.safetensors", "cold.safetensors")
    assert CATALOGUE.controlnets == ("canny.safetensors",)
    assert CATALOGUE.upscalers == ()
    assert CATALOGUE.find_choices("LatentCut", "dim") == ("x", "y")
    assert CATALOGUE.find_choices("NoSuch", "x") == CATALOGUE.find_choices("KSampler", "x") == ()


def test_inputs_are_read() -> None:
    steps = CATALOGUE.classes["KSampler"].inputs["steps"]
    assert (steps.type, steps.required, steps.default) == ("INT", True, 20)
    assert (steps.minimum, steps.maximum) == (1, 10000)
    composite = CATALOGUE.classes["ImageCompositeMasked"]
    assert not composite.inputs["mask"].required
    assert "prompt" not in composite.inputs
    assert CATALOGUE.classes["SaveImage"].is_output
    assert CATALOGUE.classes["PaidPainter"].is_api_node
    assert CATALOGUE.classes["StrangersChoice"].outputs == ("COMBO",)


def test_names_of_files_are_not_kept() -> None:
    image = CATALOGUE.classes["LoadImage"].inputs["image"]
    assert (image.is_file, image.choices) == (True, None)
    assert "stranger.png" not in repr(CATALOGUE)
    assert "secret.latent" not in repr(CATALOGUE)
    assert "private" not in repr(CATALOGUE)
    assert not CATALOGUE.classes["CheckpointLoaderSimple"].inputs["ckpt_name"].is_file


def test_what_has_no_shape_is_left_out() -> None:
    odd = {
        "A": None,
        "B": {"input": []},
        "C": {"input": {"required": {"x": [], "y": "INT", "z": [5], "ok": ["INT", None]}}},
        "D": {"input": {"required": None, "optional": {"m": ["INT", {"min": "1", "max": True}]}}},
        "E": {"input": {}, "output": "IMAGE", "python_module": "comfy_api_nodes.x"},
        "F": {"input": {"required": {"c": [["a", None, {"b": 1}, 2]]}}, "output": [["a"], 5]},
    }
    classes = parse_catalogue(odd).classes
    assert sorted(classes) == ["C", "D", "E", "F"]
    assert list(classes["C"].inputs) == ["ok"]
    assert (classes["D"].inputs["m"].minimum, classes["D"].inputs["m"].maximum) == (None, None)
    assert (classes["E"].outputs, classes["E"].is_api_node) == ((), True)
    assert classes["F"].inputs["c"].choices == ("a", 2)
    assert classes["F"].outputs == ("COMBO", "COMBO")


def test_merging_joins_choices_and_classes() -> None:
    other = parse_catalogue(
        {
            "CheckpointLoaderSimple": {
                "input": {"required": {"ckpt_name": [["z.safetensors", CHECKPOINT]]}},
                "output": ["MODEL", "CLIP", "VAE"],
            },
            "OnlyThere": {"input": {}},
        }
    )
    merged = merge_catalogues([CATALOGUE, other])
    assert merged.checkpoints == (CHECKPOINT, "photo.ckpt", "z.safetensors")
    assert merged.classes.keys() == CATALOGUE.classes.keys() | {"OnlyThere"}
    assert merged.classes["LoadImage"].inputs["image"].is_file
    assert merge_catalogues([]).classes == {}


def test_a_server_runs_what_it_has_all_of() -> None:
    graph = check_graph(make_text_graph(), CATALOGUE, POLICY).graph
    loader = {"input": {"required": {"ckpt_name": [["other.safetensors"]]}}, "output": []}
    assert CATALOGUE.can_run(graph)
    assert not parse_catalogue({**OBJECT_INFO, "CheckpointLoaderSimple": loader}).can_run(graph)
    without = {name: raw for name, raw in OBJECT_INFO.items() if name != "VAEDecode"}
    assert not parse_catalogue(without).can_run(graph)
