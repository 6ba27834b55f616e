"""All that knows accounts, links, clusters and verdicts."""
