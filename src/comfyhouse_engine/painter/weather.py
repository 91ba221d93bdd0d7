"""What falls and drifts in front of everything: rain, snow, fog."""

import cv2
import numpy as np

from comfyhouse_engine.painter.canvas import Array, smooth, vec
from comfyhouse_engine.painter.stage import Stage


def paint_weather(stage: Stage) -> None:
    """Lay the scene's weather over the finished picture."""
    weather = stage.scene.weather
    if "mist" in weather:
        _paint_fog(stage)
    if weather & {"rain", "storm"}:
        _paint_rain(stage, 900 if "storm" in weather else 650)
    if "snowfall" in weather:
        _paint_snow(stage, 700)


def _paint_fog(stage: Stage) -> None:
    canvas = stage.canvas
    banks = canvas.noise("fog", 0.22, 5, 4.5)
    low = np.exp(-(((canvas.ys - stage.horizon - 0.12) / 0.26) ** 2))
    canvas.wash(vec(smooth(banks, 0.3, 0.78) * low * 0.72), stage.light.haze)
    canvas.wash(0.1, stage.light.haze)


def _paint_rain(stage: Stage, count: int) -> None:
    canvas, rng = stage.canvas, stage.canvas.rng("rain")
    sheet: Array = np.zeros((canvas.height, canvas.width), dtype=np.float32)
    lean = float(rng.uniform(-0.25, 0.25))
    for _ in range(count):
        x, y = float(rng.uniform(-0.1, 1.1)), float(rng.uniform(-0.1, 1.0))
        long = float(rng.uniform(0.02, 0.075))
        start = (int(x * canvas.width), int(y * canvas.height))
        end = (int(x * canvas.width + lean * long * canvas.unit),
               int(y * canvas.height + long * canvas.unit))  # fmt: skip
        cv2.line(sheet, start, end, float(rng.uniform(0.15, 0.6)), 1, cv2.LINE_AA)
    sheet = vec(cv2.GaussianBlur(sheet, (0, 0), max(0.5, canvas.unit / 900)))
    tone = (0.86, 0.90, 0.94) if stage.hour != "night" else (0.62, 0.70, 0.82)
    canvas.wash(sheet * 0.7, tone)


def _paint_snow(stage: Stage, count: int) -> None:
    canvas, rng = stage.canvas, stage.canvas.rng("flakes")
    sheet: Array = np.zeros((canvas.height, canvas.width), dtype=np.float32)
    for _ in range(count):
        radius = canvas.unit * float(0.0012 + 0.0065 * rng.random() ** 4)
        centre = (int(rng.random() * canvas.width * 16), int(rng.random() * canvas.height * 16))
        cv2.circle(sheet, centre, int(max(0.5, radius) * 16), float(rng.uniform(0.4, 1.0)), -1,
                   cv2.LINE_8, 4)  # fmt: skip
    soft = cv2.GaussianBlur(sheet, (0, 0), max(0.6, canvas.unit * 0.0014))
    canvas.wash(vec(np.clip(soft * 1.1, 0, 0.95)), stage.lit((0.98, 0.98, 1.0)))
