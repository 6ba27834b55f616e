"""Write the graph of a snapshot to the database: absolute values, exactly once.

A first load creates; a later one writes what changed since the last; anything else
(another publisher's graph, a lost file) is merged over and swept. Killed at any
moment, the next run goes on where this one stopped and ends with the same graph.
"""

from __future__ import annotations

from graph.publish.check import graph_hash, staged_hash
from graph.publish.offline import publish_offline
from graph.publish.run import Published, publish

__all__ = ["Published", "graph_hash", "publish", "publish_offline", "staged_hash"]
