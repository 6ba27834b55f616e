"""The reference pages that are written from code: `python -m graph.pages` renews them.

`docs/graph-model.md` follows from `graph.model`, `docs/queries.md` from the headers of
`queries/`; a test holds both to it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from graph.catalogue import Parameter, Query, catalogue
from graph.model import NODES, RELATIONSHIPS, Property

_MODEL_HEAD = """\
# The graph

Written from `graph/model/`; change it there, then run `python -m graph.pages`.

Every node has the unique key `id`. Ids of accounts, keys, tenants, clusters and mail
domains are plain; those of addresses, devices, cards, mailboxes and numbers are keyed
hashes, with the masked value beside them. Times are zoned, in UTC; money is US dollars.
Values are absolute: a relationship says what the whole ledger says. What is published
carries `ringfence_run`, the number of the run that wrote it last; the one node
`Publication` notes what the graph holds. Text over 2,000 characters is cut; an id over
512 bytes is cut and ends in its SHA-256.
"""
_QUERIES_HEAD = """\
# Saved queries

Written from the headers of `queries/*.cypher`; run `python -m graph.pages` after a
change. `ringfence query NAME --param k=v` runs one. Each runs with the same rows on
Neo4j and on the embedded database, takes its values as parameters and sorts its rows.
"""


def model_page() -> str:
    """`docs/graph-model.md`."""
    return "\n".join([_MODEL_HEAD, *_picture(), *_nodes(), *_relationships()])


def queries_page(queries: Mapping[str, Query]) -> str:
    """`docs/queries.md`."""
    lines = [_QUERIES_HEAD, "| query | answers |", "| --- | --- |"]
    lines += [f"| [{q.name}](#{q.name}) | {q.summary} |" for q in queries.values()]
    for query in queries.values():
        lines += ["", *_query(query)]
    return "\n".join(lines) + "\n"


def _picture() -> Iterator[str]:
    yield "```mermaid"
    yield "graph LR"
    for kind in RELATIONSHIPS:
        yield f"  {kind.start} -- {kind.type} --> {kind.end}"
    yield "```"


def _nodes() -> Iterator[str]:
    yield "\n## Nodes"
    for node in NODES:
        yield f"\n### {node.label}\n\n{node.meaning}\n"
        yield f"Drawn as a {node.shape} in {node.colour}, icon `{node.icon}`.\n"
        yield from _properties(node.properties)


def _relationships() -> Iterator[str]:
    yield "\n## Relationships"
    for kind in RELATIONSHIPS:
        yield f"\n### {kind.type}\n"
        yield f"`(:{kind.start})-[:{kind.type}]->(:{kind.end})`: {kind.meaning}\n"
        yield from _properties(kind.properties)
    yield ""


def _properties(properties: tuple[Property, ...]) -> Iterator[str]:
    yield "| property | type | meaning |"
    yield "| --- | --- | --- |"
    for declared in properties:
        yield f"| `{declared.name}` | {declared.type} | {declared.meaning} |"


def _query(query: Query) -> Iterator[str]:
    yield f"## {query.name}\n\n{query.summary}\n"
    if query.parameters:
        yield "| parameter | type | default | meaning |"
        yield "| --- | --- | --- | --- |"
        for parameter in query.parameters:
            yield _row(parameter)
        yield ""
    yield "Columns: " + ", ".join(f"`{column}`" for column in query.columns) + "."


def _row(parameter: Parameter) -> str:
    default = "must be given" if parameter.default is None else f"`{parameter.default}`"
    return (
        f"| `{parameter.name}` | {parameter.type} | {default} | {parameter.meaning} |"
    )


def main() -> None:
    """Write both pages into `docs/`."""
    docs = Path(__file__).parents[1] / "docs"
    docs.mkdir(exist_ok=True)
    pages = {"graph-model.md": model_page(), "queries.md": queries_page(catalogue())}
    for name, text in pages.items():
        (docs / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
