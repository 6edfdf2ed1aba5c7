"""VRAdam: the instrument."""
