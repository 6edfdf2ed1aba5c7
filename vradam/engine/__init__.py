"""The engines' rooms: many runs (lanes, tile, aligned, seldom, rows, draws), one large step (single, layout, team)."""
