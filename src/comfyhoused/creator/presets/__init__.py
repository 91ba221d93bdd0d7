"""Presets: templates made for photos. Ours, and those that an operator adds by a folder each."""
