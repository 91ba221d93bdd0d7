"""Recorded exchanges in which the engine need not agree, each with its reason.

None of them is something that a client of ours branches on; at most a tenth of all.
"""

EXCEPTIONS = {
    "010-extensions": "lists files of ComfyUI's web page; the engine has none",
    "017-users": "belongs to ComfyUI's web page; no client of ours asks for it",
    "018-settings": "belongs to ComfyUI's web page; no client of ours asks for it",
    "019-userdata-workflows": "belongs to ComfyUI's web page; no client of ours asks for it",
    "020-internal-logs": "ComfyUI's own log for its web page; no client of ours asks for it",
    "026-experiment-models": "belongs to ComfyUI's web page; no client of ours asks for it",
    "027-workflow_templates": "belongs to ComfyUI's web page; no client of ours asks for it",
}
