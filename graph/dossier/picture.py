"""What the link graph draws: a cluster's accounts and what they share, kept small.

Pure of the page: which nodes are shown follows from the cluster and the steps taken
(`Steps`), so undo is an earlier `Steps`. Accounts that share exactly the same things
collapse to one node with a count, as do addresses that half the world shares.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import pandas as pd

from graph.dossier import Dossier, as_list

DEFAULT_NODES = 300
MOST_NODES = 1000
# Accounts alike in all they share become one node from this many on.
ALIKE = 4
# An identifier that more accounts than this share, and that links nobody, is a hub.
HUB = 25
HUBS_DRAWN = 4
# Of things that link nobody only those that most members share are drawn at first.
CONTEXT_DRAWN = 30

# What is drawn; further kinds that link are drawn as "identifier".
KINDS = (
    "ip",
    "device",
    "card",
    "email",
    "phone",
    "key",
    "tenant",
    "prompt",
    "referral",
)

_OF_CLUSTER = """
    SELECT * FROM ties_of_cluster
    WHERE cluster_id = $cluster AND accounts > 1
      AND (links OR kind IN (SELECT unnest($kinds)))
    ORDER BY ALL
"""

_OF_ACCOUNTS = """
    SELECT * EXCLUDE (cluster_id, role, paying) FROM ties_of_account
    WHERE account_id IN (SELECT unnest($accounts))
      AND (links OR kind IN (SELECT unnest($kinds)))
    ORDER BY ALL
"""

_OF_THING = """
    SELECT * EXCLUDE (cluster_id, role, paying) FROM ties_of_thing
    WHERE kind = $kind AND identifier = $name ORDER BY ALL
"""

_ACCOUNTS = """
    SELECT account_id, cluster_id, role, score, action, cost_usd, typology,
           paid_usd > coalesce(disputed_usd, 0) AS paying
    FROM accounts WHERE account_id IN (SELECT unnest($accounts))
"""


@dataclass(frozen=True)
class Steps:
    """What the person did to the picture: each step is one node's id.

    `opened` are collapsed nodes drawn out, `expanded` nodes whose neighbours were
    asked for (with how many), `hidden` nodes taken away.
    """

    opened: frozenset[str] = frozenset()
    expanded: tuple[tuple[str, int], ...] = ()
    hidden: frozenset[str] = frozenset()
    drawn: tuple[str, ...] = ()


@dataclass(frozen=True)
class Picture:
    """Nodes and edges to draw, and what is left out.

    Nodes: id, type, label, count, role, score, action, paying, hub, inside (member
    of the cluster), note. Edges: id, source, target, links, weight, first_seen,
    last_seen, count. `total` counts what the whole would be. `collapsed` lists the
    accounts of each group, `drawn_out` the group that each opened account came from.
    """

    nodes: pd.DataFrame
    edges: pd.DataFrame
    total: int
    left_out: int
    collapsed: dict[str, list[str]] = field(default_factory=dict)
    drawn_out: dict[str, str] = field(default_factory=dict)


def node_id(kind: str, identifier: str) -> str:
    """The id of a node: its type and its name."""
    return f"{kind}:{identifier}"


def picture(
    dossier: Dossier, cluster_id: str, steps: Steps, limit: int = DEFAULT_NODES
) -> Picture:
    """What to draw of a cluster after `steps`, at most `limit` nodes of it.

    What was asked for by a step comes on top, up to `MOST_NODES`.
    """
    links = dossier.ask(_OF_CLUSTER, {"cluster": cluster_id, "kinds": [*KINDS]})
    links = _worth_drawing(_named(links), steps)
    extra = _asked_for(dossier, steps)
    asked = _asked_ids(extra, steps)
    groups = _alike(links, asked)
    links, collapsed = _collapse(links, groups[~groups.isin(steps.opened)])
    links = pd.concat([links, extra], ignore_index=True)
    links = links.drop_duplicates(["account", "thing"])
    links = links[
        ~links["account"].isin(steps.hidden) & ~links["thing"].isin(steps.hidden)
    ]
    nodes = _nodes(dossier, links, cluster_id, collapsed)
    kept = _within(nodes, links, limit, asked)
    edges = _edges(links, kept)
    kept = _tied(kept, edges, asked)
    opened = groups[groups.isin(steps.opened)]
    drawn_out = {str(account): group for account, group in opened.items()}
    left_out = len(nodes) - len(kept)
    return Picture(kept, edges, len(nodes), left_out, collapsed, drawn_out)


def _named(links: pd.DataFrame) -> pd.DataFrame:
    return links.assign(
        account="account:" + links["account_id"].astype(str),
        thing=links["kind"].astype(str) + ":" + links["identifier"].astype(str),
    )


def _worth_drawing(links: pd.DataFrame, steps: Steps) -> pd.DataFrame:
    """Things that two members share; of hubs that link nobody only the largest."""
    inside = links.groupby("thing")["account"].transform("nunique")
    links = links.assign(inside=inside)
    shared = links[(inside > 1) | links["links"].astype(bool)]
    hub = (shared["accounts"] > HUB) & ~shared["links"].astype(bool)
    hubs = (
        shared[hub]
        .drop_duplicates("thing")
        .sort_values(["inside", "thing"], ascending=[False, True])
    )
    drawn = {*hubs["thing"].head(HUBS_DRAWN), *steps.opened, *steps.drawn}
    return shared[~hub | shared["thing"].isin(drawn)]


def _alike(links: pd.DataFrame, asked: frozenset[str]) -> pd.Series[str]:
    """The group of each account that shares exactly the same things as others.

    Only accounts of one role are alike; one that pays, or was asked for by a step, is
    never hidden in a group.
    """
    plain = links[~links["paying"].fillna(False).astype(bool)]
    things = plain.groupby("account")["thing"].agg(lambda t: "\0".join(sorted(t)))
    alike = things + "\0" + plain.groupby("account")["role"].first().fillna("")
    sizes = alike.groupby(alike).transform("size")
    alike = alike[(sizes >= ALIKE) & ~alike.index.isin(asked)]
    return alike.map(lambda text: f"group:{_short(text)}").astype(str)


def _collapse(
    links: pd.DataFrame, groups: pd.Series[str]
) -> tuple[pd.DataFrame, dict[str, list[str]]]:
    """Put one node in place of the accounts of each group."""
    collapsed = {
        str(group): sorted(map(str, accounts))
        for group, accounts in groups.groupby(groups).groups.items()
    }
    named = groups.to_dict()
    account = links["account"].map(lambda name: named.get(name, name))
    return links.assign(account=account).drop_duplicates(
        ["account", "thing"]
    ), collapsed


def _short(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _asked_for(dossier: Dossier, steps: Steps) -> pd.DataFrame:
    """The links that expanding asked for, each node's own limit applied."""
    frames = [neighbours(dossier, node, limit) for node, limit in steps.expanded]
    if steps.drawn:
        frames.append(_between(dossier, steps.drawn))
    if not frames:
        return pd.DataFrame()
    return pd.concat(frames, ignore_index=True)


def _between(dossier: Dossier, nodes: tuple[str, ...]) -> pd.DataFrame:
    """Every link both of whose ends are among `nodes`."""
    accounts = [n.partition(":")[2] for n in nodes if n.startswith("account:")]
    asked = {"accounts": as_list(accounts), "kinds": [*KINDS]}
    links = _named(dossier.ask(_OF_ACCOUNTS, asked))
    return links[links["thing"].isin(nodes)].assign(inside=0)


def neighbours(dossier: Dossier, node: str, limit: int) -> pd.DataFrame:
    """The links of one node, riskiest and rarest neighbours first, `limit` of them."""
    kind, _, name = node.partition(":")
    if kind == "account":
        asked: dict[str, object] = {"accounts": [name], "kinds": [*KINDS]}
        links = _named(dossier.ask(_OF_ACCOUNTS, asked)).assign(inside=0)
        return links.sort_values(["accounts", "thing"]).head(limit)
    found = dossier.ask(_OF_THING, {"kind": kind, "name": name})
    links = _named(found).assign(inside=0)
    links = links.merge(_about(dossier, links["account_id"].tolist()), on="account")
    links = links.sort_values(["score", "account"], ascending=[False, True])
    return links.drop(columns="score").head(limit)


def counts(dossier: Dossier, node: str) -> dict[str, int]:
    """How many neighbours of each type a node has, before anything is drawn."""
    links = neighbours(dossier, node, limit=1_000_000)
    if node.startswith("account:"):
        return {str(k): int(n) for k, n in links["kind"].value_counts().items()}
    return {"account": int(links["account"].nunique())}


def _about(dossier: Dossier, accounts: list[str]) -> pd.DataFrame:
    frame = dossier.ask(_ACCOUNTS, {"accounts": as_list(accounts)})
    frame["account"] = "account:" + frame["account_id"].astype(str)
    return frame[["account", "score"]]


def _nodes(
    dossier: Dossier,
    links: pd.DataFrame,
    cluster_id: str,
    collapsed: dict[str, list[str]],
) -> pd.DataFrame:
    if links.empty:
        return pd.DataFrame(columns=_NODE_COLUMNS)
    parts = [_thing_nodes(links), _account_nodes(dossier, links, cluster_id)]
    if collapsed:
        parts.append(_group_nodes(dossier, collapsed, links))
    nodes = pd.concat(parts, ignore_index=True)[list(_NODE_COLUMNS)]
    return nodes.sort_values(["rank", "id"], ascending=[False, True], ignore_index=True)


_NODE_COLUMNS = (
    "id", "type", "label", "count", "role", "score", "action", "paying", "hub",
    "inside", "note", "rank",
)  # fmt: skip


def _thing_nodes(links: pd.DataFrame) -> pd.DataFrame:
    things = links.drop_duplicates("thing")
    linked = things["links"].astype(bool)
    plain = things["kind"].isin(["key", "tenant"])
    label = things["masked"].where(
        things["masked"].fillna("") != "", things["identifier"]
    )
    return pd.DataFrame(
        {
            "id": things["thing"],
            "type": things["kind"].where(things["kind"].isin(KINDS), "identifier"),
            "label": label.where(~plain, things["identifier"]).astype(str),
            "count": things["accounts"].fillna(1).astype(int),
            "role": "",
            "score": 0.0,
            "action": "",
            "paying": False,
            "hub": (things["accounts"] > HUB) & ~linked,
            "inside": True,
            "note": things["class"].fillna(""),
            # What links the most members is drawn first, context after the accounts.
            "rank": (3.0 + things["inside"]).where(
                linked, _below_one(things["inside"])
            ),
        }
    )


def _below_one(inside: pd.Series) -> pd.Series:
    return inside / (inside + 1.0)


def _account_nodes(
    dossier: Dossier, links: pd.DataFrame, cluster_id: str
) -> pd.DataFrame:
    single = links[links["account"].str.startswith("account:")]
    accounts = single["account"].str.removeprefix("account:").unique().tolist()
    about = dossier.ask(_ACCOUNTS, {"accounts": as_list(accounts)})
    inside = about["cluster_id"] == cluster_id
    return pd.DataFrame(
        {
            "id": "account:" + about["account_id"].astype(str),
            "type": "account",
            "label": about["account_id"].astype(str),
            "count": 1,
            "role": about["role"].fillna("").where(inside, ""),
            "score": about["score"].fillna(0.0),
            "action": about["action"].fillna("none"),
            "paying": about["paying"].fillna(False).astype(bool),
            "hub": False,
            "inside": inside,
            "note": about["typology"].fillna(""),
            "rank": 1
            + about["score"].fillna(0.0)
            + about["paying"].fillna(False) * 1.0,
        }
    )


def _group_nodes(
    dossier: Dossier, collapsed: dict[str, list[str]], links: pd.DataFrame
) -> pd.DataFrame:
    pairs = [
        (g, a.removeprefix("account:")) for g, all_ in collapsed.items() for a in all_
    ]
    members = pd.DataFrame(pairs, columns=["id", "account_id"])
    about = dossier.ask(_ACCOUNTS, {"accounts": members["account_id"].tolist()})
    members = members.merge(about, on="account_id")
    sums = members.groupby("id", as_index=False).agg(
        count=("account_id", "size"),
        score=("score", "mean"),
        paying=("paying", "max"),
        role=("role", lambda roles: roles.mode().iat[0]),
    )
    shared = links[links["account"].isin(collapsed)].groupby("account")["kind"]
    note = shared.agg(lambda kinds: ", ".join(sorted(set(kinds))))
    return sums.assign(
        type="group",
        label=sums["count"].map(lambda n: f"{n} accounts"),
        action="",
        hub=False,
        inside=True,
        note="the same " + sums["id"].map(note).fillna("").astype(str),
        rank=2.0 + sums["count"],
    )


def _within(
    nodes: pd.DataFrame, links: pd.DataFrame, limit: int, asked: frozenset[str]
) -> pd.DataFrame:
    """The first `limit` nodes, and what was asked for, under the hard cap.

    By rank, but each thing with its accounts, so that what is drawn hangs together.
    """
    context = nodes["rank"] < 1
    crowd = set(nodes.loc[context & (context.cumsum() > CONTEXT_DRAWN), "id"])
    rank = nodes.set_index("id")["rank"].astype(float)
    ends = links.loc[~links["thing"].isin(crowd), ["thing", "account"]]
    ends = ends.assign(first=ends["thing"].map(rank), then=ends["account"].map(rank))
    ends = ends.sort_values(
        ["first", "thing", "then", "account"], ascending=[False, True, False, True]
    )
    chosen = pd.unique(ends[["thing", "account"]].to_numpy().ravel())[:limit]
    kept = nodes["id"].isin({*chosen, *asked})
    return nodes[kept].head(MOST_NODES).reset_index(drop=True)


def _tied(
    nodes: pd.DataFrame, edges: pd.DataFrame, asked: frozenset[str]
) -> pd.DataFrame:
    """Without the nodes whose every neighbour was left out."""
    ends = {*edges["source"], *edges["target"]} | asked
    return nodes[nodes["id"].isin(ends)].reset_index(drop=True)


def _asked_ids(extra: pd.DataFrame, steps: Steps) -> frozenset[str]:
    ends = set() if extra.empty else {*extra["account"], *extra["thing"]}
    return frozenset(ends | set(steps.drawn))


def _edges(links: pd.DataFrame, nodes: pd.DataFrame) -> pd.DataFrame:
    if links.empty:
        return pd.DataFrame(columns=["id", "source", "target"])
    known = set(nodes["id"])
    kept = links[links["account"].isin(known) & links["thing"].isin(known)]
    return pd.DataFrame(
        {
            "id": kept["account"] + "\0" + kept["thing"],
            "source": kept["account"],
            "target": kept["thing"],
            "kind": kept["kind"],
            "links": kept["links"].astype(bool),
            "weight": kept["weight"].fillna(0.0),
            "first_seen": kept["first_seen"],
            "last_seen": kept["last_seen"],
            "count": kept["count"],
        }
    ).sort_values("id", ignore_index=True)
