"""All that lies before the ledger, and the ledger itself."""
