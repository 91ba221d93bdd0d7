"""Every call to an address that a customer gave us goes through here, and nothing else does.

`url` reads the address, `addresses` knows which ones are public, `guard` decides and resolves,
`exchange` connects to what the guard allowed, `fetch` gets a file, `send` posts a webhook.
"""
