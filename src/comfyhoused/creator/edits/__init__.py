"""Edits: one photo's journey from its folder, through a preset, and back."""
