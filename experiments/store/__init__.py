"""Results on disk: chunks that survive an interruption, fingerprints, and where a result comes from."""
