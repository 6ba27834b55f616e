"""One cluster: members, what they share, the picture, ties, the blast radius."""

from __future__ import annotations

import pytest

from graph.dossier import Dossier
from graph.dossier.blast import blast, smallest_cut
from graph.dossier.clusters import (
    cluster,
    countries,
    hypotheses,
    members,
    reasons,
    related,
    shared_identifiers,
)
from graph.dossier.picture import MOST_NODES, Steps, counts, picture
from graph.dossier.ties import common, path, tie

HOSTILE = "<img src=x onerror=alert(1)>\u202e'\"`${7*7}"


def drawn(dossier: Dossier, cluster_id: str, steps: Steps | None = None) -> set[str]:
    return set(picture(dossier, cluster_id, steps or Steps()).nodes["id"])


def test_a_cluster_counts_its_members_and_money(dossier: Dossier) -> None:
    found = cluster(dossier, "c-farm")
    assert found is not None
    assert found.money["core"] == 50
    assert found.money["bystander"] == 4
    assert found.money["paying"] == 1
    assert found.frameworks == ("OWASP LLM10:2025",)
    assert cluster(dossier, "c-gone") is None


def test_members_come_core_first_and_narrow(dossier: Dossier) -> None:
    frame = members(dossier, "c-farm")
    assert frame["role"].tolist() == ["core"] * 50 + ["likely"] * 6 + ["bystander"] * 4
    assert members(dossier, "c-farm", roles=["likely"])["role"].eq("likely").sum() == 6
    assert members(dossier, "c-farm", only=["farm-03"])["account_id"].tolist() == [
        "farm-03"
    ]
    assert members(dossier, "c-farm", only=[]).empty


def test_shared_identifiers_say_how_many_others_share(dossier: Dossier) -> None:
    frame = shared_identifiers(dossier, "c-farm")
    columns = [frame[name] for name in ("identifier", "inside", "outside")]
    shared = {name: (inside, out) for name, inside, out in zip(*columns, strict=True)}
    assert shared["campus"] == (60, 40)
    assert shared["dev-0"] == (5, 1)
    assert frame["links"].tolist() == sorted(frame["links"], reverse=True)
    assert "lone-1" not in shared


def test_reasons_hypotheses_and_places(dossier: Dossier) -> None:
    assert reasons(dossier, "account", "farm-00")["code"].tolist() == [
        "code_1",
        "code_2",
    ]
    assert hypotheses(dossier, "c-farm")["hypothesis"].tolist() == ["household"]
    assert countries(dossier, "c-farm").iloc[0]["accounts"] == 60
    assert related(dossier, "c-farm").empty


def test_accounts_alike_are_drawn_as_one(dossier: Dossier) -> None:
    pictured = picture(dossier, "c-farm", Steps())
    groups = pictured.nodes[pictured.nodes["type"] == "group"]
    assert groups["count"].tolist() == [5] * len(groups)
    assert (
        sum(map(len, pictured.collapsed.values()))
        + pictured.nodes["type"].eq("account").sum()
        == 60
    )
    hub = pictured.nodes.set_index("id").loc["ip:campus"]
    assert hub["hub"]
    assert hub["count"] == 100
    assert hub["note"] == "university"


def test_opening_a_group_draws_its_accounts(dossier: Dossier) -> None:
    before = picture(dossier, "c-farm", Steps())
    group, accounts = min(before.collapsed.items())
    after = drawn(dossier, "c-farm", Steps(opened=frozenset({group})))
    assert set(accounts) <= after
    assert group not in after
    assert drawn(dossier, "c-farm", Steps()) == set(before.nodes["id"])


def test_expanding_goes_beyond_the_cluster_within_its_limit(dossier: Dossier) -> None:
    assert counts(dossier, "ip:campus") == {"account": 100}
    before = drawn(dossier, "c-farm")
    after = drawn(dossier, "c-farm", Steps(expanded=(("ip:campus", 7),)))
    assert {name for name in before if not name.startswith("group:")} <= after
    fresh = {name for name in after - before if not name.startswith("group:")}
    assert len(fresh) == 7
    spread = drawn(dossier, "c-farm", Steps(expanded=(("account:farm-07", 50),)))
    assert "ip:lone-7" in spread


def test_who_pays_or_stands_by_is_never_hidden_in_a_group(dossier: Dossier) -> None:
    pictured = picture(dossier, "c-farm", Steps())
    single = pictured.nodes[pictured.nodes["type"] == "account"]
    assert {"account:farm-56", "account:farm-59"} <= set(single["id"])
    assert not pictured.nodes.loc[pictured.nodes["type"] == "group", "paying"].any()


def test_hiding_takes_a_node_and_its_edges(dossier: Dossier) -> None:
    pictured = picture(dossier, "c-farm", Steps(hidden=frozenset({"ip:campus"})))
    assert "ip:campus" not in set(pictured.nodes["id"])
    assert "ip:campus" not in set(pictured.edges["target"])


def test_every_edge_has_both_its_ends(dossier: Dossier) -> None:
    for steps in (Steps(), Steps(expanded=(("ip:campus", 100),))):
        pictured = picture(dossier, "c-farm", steps)
        known = set(pictured.nodes["id"])
        assert set(pictured.edges["source"]) | set(pictured.edges["target"]) <= known
        assert pictured.edges["id"].is_unique


def test_a_giant_is_cut_to_the_limit_and_says_so(dossier: Dossier) -> None:
    pictured = picture(dossier, "c-giant", Steps())
    assert len(pictured.nodes) == 300
    assert pictured.left_out == pictured.total - 300 > 0
    ends = {*pictured.edges["source"], *pictured.edges["target"]}
    assert set(pictured.nodes["id"]) == ends
    most = picture(dossier, "c-giant", Steps(), limit=10_000)
    assert len(most.nodes) <= MOST_NODES


def test_an_unknown_cluster_draws_nothing(dossier: Dossier) -> None:
    pictured = picture(dossier, "c-gone", Steps())
    assert pictured.nodes.empty
    assert pictured.edges.empty


def test_the_shortest_way_between_two_nodes(dossier: Dossier) -> None:
    way = path(dossier, "account:farm-05", "account:farm-14")
    assert way == ["account:farm-05", "card:card-1", "account:farm-14"]
    assert path(dossier, "account:kin-0", "account:farm-00") == []
    assert path(dossier, "account:kin-0", "device:kin-tablet") == [
        "account:kin-0",
        "device:kin-tablet",
    ]


def test_why_linked_names_each_use_and_what_two_share(dossier: Dossier) -> None:
    rows = tie(dossier, ["farm-00", "farm-01"], "device:dev-0")
    assert rows["account_id"].tolist() == ["farm-00", "farm-01"]
    assert rows["accounts"].tolist() == [6, 6]
    shares = common(dossier, "farm-00", "farm-01")
    assert shares["identifier"].tolist() == ["card-0", "dev-0", "campus"]


def test_the_blast_radius_counts_who_pays(dossier: Dossier) -> None:
    hit = blast(dossier, ["farm-00", "farm-59"])
    assert (hit.accounts, hit.paying, hit.revenue_usd) == (2, 1, 120.0)
    assert hit.paying_ids == ("farm-59",)
    assert hit.longest_tenure == 10
    assert blast(dossier, []).accounts == 0


def test_the_smallest_cut_frees_a_bystander(dossier: Dossier) -> None:
    cut = smallest_cut(dossier, "c-farm", "farm-00")
    assert set(cut["identifier"]) == {"card-0", "dev-0"}
    assert smallest_cut(dossier, "c-farm", "farm-59").empty
    assert smallest_cut(dossier, "c-farm", "nobody").empty


@pytest.mark.parametrize("name", [HOSTILE, "'; DROP VIEW accounts; --", "", "\x00"])
def test_hostile_names_are_only_names(dossier: Dossier, name: str) -> None:
    assert cluster(dossier, name) is None
    assert hypotheses(dossier, name).empty
    assert path(dossier, f"device:{name}", "account:farm-09") == []
    shown = drawn(dossier, "c-farm", Steps(expanded=(("device:dev-0", 50),)))
    assert f"account:{HOSTILE}" in shown
