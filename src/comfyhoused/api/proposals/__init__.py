"""From a request to a proposal: checked, priced, not yet admitted. One file per kind."""
