"""Does the engine answer as the recorded ComfyUI did? Cases, their player, and the exceptions."""
