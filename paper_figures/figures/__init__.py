"""The figures, one module each: ``FIGURE`` ends each of them."""
