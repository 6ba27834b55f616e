"""Free Cypher for analysts: only what provably reads the graph, and not for long.

A READ session is no boundary: Neo4j's also lets LOAD CSV read files and send
requests, and lists or ends other people's transactions. So a statement passes three
gates before it runs: its words and functions are all on a list, the database's own
plan (EXPLAIN) says that it reads, and every operator of that plan is on a list. What
is not listed is refused.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from itertools import islice

import pandas as pd

from graph.store import Plan, Store
from ingest.errors import RingfenceError

MOST_ROWS = 1_000
SECONDS = 10.0
_MOST_TEXT = 10_000


class RefusedError(RingfenceError):
    """The console does not run this; the message says what stands in the way."""


# Operators of Neo4j 5 that touch nothing but nodes, relationships and rows.
OPERATORS = frozenset(
    {
        "AllNodesScan", "Anti", "AntiSemiApply", "Apply", "Argument", "ArgumentTracker",
        "AssertSameNode", "AssertSameRelationship", "BFSPruningVarLengthExpand",
        "CacheProperties", "CartesianProduct", "ConditionalApply",
        "DirectedAllRelationshipsScan", "DirectedRelationshipByElementIdSeek",
        "DirectedRelationshipIndexScan", "DirectedRelationshipIndexSeek",
        "DirectedRelationshipTypeScan", "DirectedUnionRelationshipTypesScan",
        "Distinct", "EagerAggregation", "Expand(All)", "Expand(Into)",
        "ExhaustiveLimit", "Filter", "IntersectionNodeByLabelsScan",
        "LetAntiSemiApply", "LetSelectOrSemiApply", "LetSemiApply", "Limit",
        "MultiNodeIndexSeek", "NodeByElementIdSeek", "NodeByLabelScan",
        "NodeCountFromCountStore", "NodeHashJoin", "NodeIndexContainsScan",
        "NodeIndexEndsWithScan", "NodeIndexScan", "NodeIndexSeek",
        "NodeIndexSeekByRange", "NodeLeftOuterHashJoin", "NodeRightOuterHashJoin",
        "NodeUniqueIndexSeek", "NodeUniqueIndexSeekByRange", "Optional",
        "OptionalExpand(All)", "OptionalExpand(Into)", "OrderedAggregation",
        "OrderedDistinct", "OrderedUnion", "PartialSort", "PartialTop",
        "ProduceResults", "ProjectEndpoints", "Projection",
        "RelationshipCountFromCountStore", "Repeat(Trail)", "RollUpApply",
        "SelectOrAntiSemiApply", "SelectOrSemiApply", "SemiApply", "ShortestPath",
        "Skip", "Sort", "StatefulShortestPath(All)", "StatefulShortestPath(Into)",
        "SubtractionNodeByLabelsScan", "Top", "Top1WithTies", "TriadicBuild",
        "TriadicFilter", "TriadicSelection", "UndirectedAllRelationshipsScan",
        "UndirectedRelationshipIndexSeek", "UndirectedRelationshipTypeScan",
        "UndirectedUnionRelationshipTypesScan", "Union", "UnionNodeByLabelsScan",
        "Unwind", "ValueHashJoin", "VarLengthExpand(All)", "VarLengthExpand(Into)",
        "VarLengthExpand(Pruning)", "VarLengthExpand(Pruning,BFS)",
        "VarLengthExpand(Pruning,BFS,All)", "VarLengthExpand(Pruning,BFS,Into)",
    }
)  # fmt: skip

# Functions without reach beyond their arguments. `range` and `reduce` are left out:
# lists made of numbers alone outgrow a server's memory before its time limit is met.
FUNCTIONS = frozenset(
    {
        "abs", "all", "any", "avg", "ceil", "coalesce", "collect", "count", "date",
        "datetime", "duration", "duration.between", "duration.indays",
        "duration.inseconds", "elementid", "endnode", "exists", "exp", "floor", "head",
        "isempty", "keys", "labels", "last", "left", "length", "log", "log10", "max",
        "min", "nodes", "none", "percentilecont", "percentiledisc", "properties",
        "relationships", "replace", "reverse", "right", "round", "sign", "single",
        "size", "split", "sqrt", "startnode", "stdev", "substring", "sum", "tail",
        "toboolean", "tofloat", "tointeger", "tolower", "tostring", "toupper", "trim",
        "type", "shortestpath", "allshortestpaths",
    }
)  # fmt: skip

_KEYWORDS = frozenset(
    {
        "and", "as", "by", "call", "case", "contains", "count", "distinct", "else",
        "ends", "exists", "in", "is", "limit", "match", "not", "on", "optional", "or",
        "order", "return", "skip", "starts", "then", "union", "unwind", "when", "where",
        "with", "xor", "yield",
    }
)  # fmt: skip

# Strings, quoted names and comments, which hold words that are no words of the query.
_QUOTED = re.compile(
    r"'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\"|`(?:``|[^`])*`|//[^\n]*|/\*.*?\*/",
    re.DOTALL,
)
_CALLED = re.compile(r"([A-Za-z_][\w.]*)\s*\(")
_CLAUSES = re.compile(
    r"\b(create|merge|set|delete|detach|remove|drop|load|csv|foreach|show|terminate|"
    r"start|stop|alter|grant|revoke|deny|use|profile|explain|cypher|transactions?|"
    r"finish|insert|enable|rename|dryrun|reallocate|deallocate)\b",
    re.IGNORECASE,
)
# CALL of anything but a subquery: CALL { … } or CALL (a, b) { … }.
_PROCEDURE = re.compile(
    r"\bcall\b(?!\s*(\(\s*\w*\s*(,\s*\w+\s*)*\)\s*)?\{)", re.IGNORECASE
)
_RELATIONSHIP = re.compile(r"\[[^\]]*\]")


def check_words(text: str) -> None:
    """The first gate, on the text alone. Raises `RefusedError` naming the word."""
    if len(text) > _MOST_TEXT:
        raise RefusedError(f"the statement is longer than {_MOST_TEXT:,} characters")
    # Neo4j 5 turns \\uXXXX into a character before it reads anything else.
    if re.search(r"\\u", text, re.IGNORECASE):
        raise RefusedError("write characters as they are, not as \\u escapes")
    bare = _QUOTED.sub(" '' ", text)
    if "`" in bare or ";" in bare.rstrip().rstrip(";"):
        raise RefusedError("one statement at a time, its quotes closed")
    clause = _CLAUSES.search(_RELATIONSHIP.sub(" ", bare))
    if clause:
        raise RefusedError(f"{clause[1].upper()} is not for the console: it only reads")
    for name in _CALLED.findall(bare):
        if name.lower() not in FUNCTIONS | _KEYWORDS:
            raise RefusedError(f"the function {name} is not on the console's list")
    if re.search(
        r"\bcall\b(?!\s*(\(\s*\w*\s*(,\s*\w+\s*)*\)\s*)?\{)", bare, re.IGNORECASE
    ):
        raise RefusedError("CALL is for subqueries in braces; procedures are not run")


def check_plan(plan: Plan) -> None:
    """The second and third gate, on the database's own plan. Raises `RefusedError`."""
    if plan.kind != "r":
        raise RefusedError("the database says that this would change something")
    if not plan.operators:
        raise RefusedError("the database gave no plan for this, so nothing vouches")
    unknown = sorted(plan.operators - OPERATORS)
    if unknown:
        raise RefusedError(f"the plan has {unknown[0]}, which the console doesn't run")


def why_off(store: Store) -> str:
    """Why free Cypher is off on this database; empty where it is on.

    The embedded database gives no plan of operators and no read-only user that could
    be shown to hold, so nothing would vouch for a statement there.
    """
    if store.engine == "neo4j":
        return ""
    return (
        "Free Cypher is off on the embedded database: nothing there could vouch that "
        "a statement only reads. Set NEO4J_URI to use a Neo4j server, or run a saved "
        "query."
    )


def ask(
    store: Store, text: str, parameters: Mapping[str, object] | None = None
) -> pd.DataFrame:
    """The first `MOST_ROWS` rows of a free statement, within `SECONDS`.

    Raises `RefusedError` for what does not pass the gates, `StoreError` for what the
    database refuses or does not finish.
    """
    reason = why_off(store)
    if reason:
        raise RefusedError(reason)
    check_words(text)
    check_plan(store.explain(text, parameters))
    rows = islice(store.each(text, parameters, seconds=SECONDS), MOST_ROWS)
    return pd.DataFrame(rows)
