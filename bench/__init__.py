"""Measurements: the house against driving the same ComfyUI server directly, in one run."""
