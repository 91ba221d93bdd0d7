"""Photo work as ComfyUI nodes: Portrait Pro, Product Glow, Cinematic. NumPy and OpenCV only."""
