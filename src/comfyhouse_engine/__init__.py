"""The built-in engine: a sandbox that speaks ComfyUI 0.3.64's protocol. No GPU, no model.

A process of its own (`comfyhouse-engine --help`) over real HTTP and WebSocket. It runs real graphs
node by node: image nodes exactly, sampling nodes by a painter. What a client must cope with in a
real server happens here too, and more can be switched on: `switches.py` lists the faults and
delays (`--switch name=value`, `POST /engine/switches`), `nodes/magic.py` the words in a prompt
that cause one. `GET /engine/log` tells what really ran.
"""
