"""The engines' rooms: random words (rng), many small runs (lanes), one large step (single)."""
