"""The statements that publishing runs, made from the names of the model alone.

Values travel as `$rows`, a list of rows in the order of the declared properties; no
name and no value of the data ever enters the text.
"""

from __future__ import annotations

from graph.model import NODES, PUBLICATION, Node, Property, Relationship

_EACH = "UNWIND $rows AS row "


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
    """Rows that may be there already: every property set to what the row says."""
    found = "MERGE (n:" + node.label + " {id: row[0]}) SET "
    return _EACH + found + _set("n", node.properties, 0)


def delete_nodes(node: Node) -> str:
    """Rows whose node is gone: id alone."""
    return _EACH + "MATCH (n:" + node.label + " {id: row[0]}) DETACH DELETE n"


def create_relationships(relationship: Relationship) -> str:
    """Rows that are known to be new: start id, end id, then the properties."""
    made = relationship.type + " {" + _map(relationship.properties, 2) + "}"
    return _EACH + _ends(relationship) + "CREATE (a)-[:" + made + "]->(b)"


def merge_relationships(relationship: Relationship) -> str:
    """Rows that may be there already."""
    found = "MERGE (a)-[r:" + relationship.type + "]->(b) SET "
    return _EACH + _ends(relationship) + found + _set("r", relationship.properties, 2)


def delete_relationships(relationship: Relationship) -> str:
    """Rows whose relationship is gone: start id and end id."""
    return (
        _EACH + _ends(relationship) + "MATCH (a)-[r:" + relationship.type + "]->(b)"
        " DELETE r"
    )


def sweep_nodes(node: Node) -> str:
    """Delete up to `$limit` nodes that an earlier run wrote and this one did not.

    What carries no run tag was not written here and stays.
    """
    return (
        "MATCH (n:" + node.label + ") WHERE n.run < $run WITH n LIMIT $limit"
        " DETACH DELETE n RETURN count(*) AS swept"
    )


def sweep_relationships(relationship: Relationship) -> str:
    """The same for a relationship type."""
    return (
        "MATCH (:" + relationship.start + ")-[r:" + relationship.type + "]->"
        "(:" + relationship.end + ") WHERE r.run < $run WITH r LIMIT $limit"
        " DELETE r RETURN count(*) AS swept"
    )


def newest_run_of_nodes(node: Node) -> str:
    """The highest run tag of a label."""
    return "MATCH (n:" + node.label + ") RETURN max(n.run) AS run"


def newest_run_of_relationships(relationship: Relationship) -> str:
    """The highest run tag of a relationship type."""
    return "MATCH ()-[r:" + relationship.type + "]->() RETURN max(r.run) AS run"


def _ends(relationship: Relationship) -> str:
    return (
        "MATCH (a:" + relationship.start + " {id: row[0]})"
        " MATCH (b:" + relationship.end + " {id: row[1]}) "
    )


def _value(declared: Property, at: int) -> str:
    cell = "row[" + str(at) + "]"
    if declared.type == "datetime":
        moment = "datetime({epochMillis: " + cell + "})"
        return "CASE WHEN " + cell + " IS NULL THEN null ELSE " + moment + " END"
    return cell


def _map(properties: tuple[Property, ...], first: int) -> str:
    cells = [
        declared.name + ": " + _value(declared, first + at)
        for at, declared in enumerate(properties)
    ]
    return ", ".join([*cells, "run: $run"])


def _set(variable: str, properties: tuple[Property, ...], first: int) -> str:
    cells = [
        variable + "." + declared.name + " = " + _value(declared, first + at)
        for at, declared in enumerate(properties)
        if declared.name != "id"
    ]
    return ", ".join([*cells, variable + ".run = $run"])
