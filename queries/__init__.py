"""Cypher, one file a query; see `graph.catalogue` for the header they carry."""
