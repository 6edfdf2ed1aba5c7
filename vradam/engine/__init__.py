"""The engines: many runs (lanes, pieces, advance, tile, seldom, rows, draws), one large step (single, layout, team)."""
