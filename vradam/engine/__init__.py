"""The engines' rooms: many small runs (lanes, tile, seldom, rows, draws), one large step (single, layout, team)."""
