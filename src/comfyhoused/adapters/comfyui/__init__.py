"""A ComfyUI server, as its client sees it: `client` (HTTP), `socket` (frames), the rest is pure.

The numbered remarks in the code refer to behaviours of ComfyUI 0.3.64 that were recorded from a
real server; tests/contract/test_comfyui_client.py names the same numbers.
"""
