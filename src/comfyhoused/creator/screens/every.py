"""Every screen, in the order in which their addresses are tried."""

from comfyhoused.creator.screens import (
    bell,
    edit_page,
    edit_verbs,
    gallery,
    gallery_bulk,
    help_page,
    home,
    landing,
    live,
    pictures_out,
    plan_page,
    presets_page,
    review,
    samples_out,
    settings_page,
    skipped,
)

SCREENS = (
    landing,
    home,
    gallery,
    gallery_bulk,
    pictures_out,
    edit_page,
    edit_verbs,
    skipped,
    review,
    presets_page,
    samples_out,
    bell,
    settings_page,
    plan_page,
    help_page,
    live,
)
