"""Times of the same work by several implementations, each in a process of its own."""
