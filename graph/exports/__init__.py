"""What leaves: the contract's four tables, and approved decisions in other shapes.

`write_table` writes accounts, clusters, keys and tenants as they were judged.
`export_bans` writes what people approved, in a format of `FORMATS`; each format has a
module of its own, and `graph.exports.registry` is the table of them.
"""

from graph.exports.bans import export_bans
from graph.exports.registry import FORMATS
from graph.exports.tables import write_table

__all__ = ["FORMATS", "export_bans", "write_table"]
