"""The statements that publishing runs, made from the names of the model alone.

Values travel as `$rows`, a list of rows in the order of the declared properties; no
name and no value of the data ever enters the text.
"""

from __future__ import annotations

from collections.abc import Iterable

from graph.model import NODES, PUBLICATION, Node, Property, Relationship

_EACH = "UNWIND $rows AS row "
TAG = "ringfence_run"

# For a relationship that is there a planner would go through all that end in one node,
# an address of ten thousand accounts say, for each row. It plans what comes after a
# limit on its own, when both ends are known; no batch comes near this one.
_ENDS_FIRST = "WITH row, a, b LIMIT 1000000000 "

# Up to `$limit` of what an earlier run wrote and this one did not, whatever its label:
# an older version may have known other ones. What carries no tag is somebody else's.
SWEEPS = (
    "MATCH ()-[r]->() WHERE r." + TAG + " < $run WITH r LIMIT $limit"
    " DELETE r RETURN count(*) AS swept",
    "MATCH (n) WHERE n." + TAG + " < $run WITH n LIMIT $limit"
    " DETACH DELETE n RETURN count(*) AS swept",
)
NEWEST_RUNS = (
    "MATCH (n) RETURN max(n." + TAG + ") AS run",
    "MATCH ()-[r]->() RETURN max(r." + TAG + ") AS run",
)


def constraints() -> tuple[str, ...]:
    """One unique key a label, the publisher's own note included."""
    return tuple(
        "CREATE CONSTRAINT " + label.lower() + "_id IF NOT EXISTS"
        " FOR (n:" + label + ") REQUIRE n.id IS UNIQUE"
        for label in (*(node.label for node in NODES), PUBLICATION)
    )


def create_nodes(node: Node) -> str:
    """Rows that are known to be new: id, then the properties."""
    return _EACH + "CREATE (n:" + node.label + " {" + _map(node.properties, 0) + "})"


def merge_nodes(node: Node) -> str:
    """Rows that may be there already: what the row says, and nothing else."""
    found = "MERGE (n:" + node.label + " {id: row[0]}) SET n = {"
    return _EACH + found + _map(node.properties, 0) + "}"


def change_nodes(node: Node) -> str:
    """Rows that are known to be there: a plain match is cheaper than a merge."""
    found = "MATCH (n:" + node.label + " {id: row[0]}) SET n = {"
    return _EACH + found + _map(node.properties, 0) + "}"


def empty_lists(node: Node, lists: Iterable[Property]) -> str:
    """Rows whose lists have nothing in them, which is not the same as no list."""
    empty = ", ".join("n." + declared.name + " = []" for declared in lists)
    return _EACH + "MATCH (n:" + node.label + " {id: row[0]}) SET " + empty


def delete_nodes(node: Node) -> str:
    """Rows whose node is gone: id alone."""
    return _EACH + "MATCH (n:" + node.label + " {id: row[0]}) DETACH DELETE n"


def create_relationships(relationship: Relationship) -> str:
    """Rows that are known to be new: start id, end id, then the properties."""
    made = relationship.type + " {" + _map(relationship.properties, 2) + "}"
    return _EACH + _ends(relationship) + "CREATE (a)-[:" + made + "]->(b)"


def merge_relationships(relationship: Relationship) -> str:
    """Rows that may be there already."""
    found = "MERGE (a)-[r:" + relationship.type + "]->(b) SET r = {"
    return _EACH + _ends(relationship) + found + _map(relationship.properties, 2) + "}"


def change_relationships(relationship: Relationship) -> str:
    """Rows that are known to be there."""
    found = _pair(relationship) + " SET r = {"
    return _EACH + found + _map(relationship.properties, 2) + "}"


def delete_relationships(relationship: Relationship) -> str:
    """Rows whose relationship is gone: start id and end id."""
    return _EACH + _pair(relationship) + " DELETE r"


def read_nodes(node: Node) -> str:
    """Every node of a label as one row `cells`, times as milliseconds."""
    return "MATCH (n:" + node.label + ") RETURN " + _cells("n", node.properties)


def read_relationships(relationship: Relationship) -> str:
    """Every relationship of a type, its two ids first."""
    return (
        "MATCH (a:" + relationship.start + ")-[r:" + relationship.type + "]->"
        "(b:"
        + relationship.end
        + ") RETURN a.id AS start_id, b.id AS end_id, "
        + _cells("r", relationship.properties)
    )


def _cells(variable: str, properties: tuple[Property, ...]) -> str:
    cells = [
        variable
        + "."
        + declared.name
        + (".epochMillis" if declared.type == "datetime" else "")
        for declared in properties
    ]
    return "[" + ", ".join(cells) + "] AS cells, size(keys(" + variable + ")) AS keys"


def _ends(relationship: Relationship) -> str:
    return (
        "MATCH (a:" + relationship.start + " {id: row[0]})"
        " MATCH (b:" + relationship.end + " {id: row[1]}) "
    )


def _pair(relationship: Relationship) -> str:
    found = "MATCH (a)-[r:" + relationship.type + "]->(b)"
    return _ends(relationship) + _ENDS_FIRST + found


def _value(declared: Property, at: int) -> str:
    cell = "row[" + str(at) + "]"
    if declared.type == "datetime":
        moment = "datetime.fromepochmillis(" + cell + ")"
        return "CASE WHEN " + cell + " IS NULL THEN null ELSE " + moment + " END"
    return cell


def _map(properties: tuple[Property, ...], first: int) -> str:
    cells = [
        declared.name + ": " + _value(declared, first + at)
        for at, declared in enumerate(properties)
    ]
    return ", ".join([*cells, TAG + ": $run"])
