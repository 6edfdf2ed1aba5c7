"""What a reader sees: the ledger, the page, what is on record, and the committed reference."""
