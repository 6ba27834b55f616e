"""Who comes loose when links are unsaid, and which living keys go first."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from graph.dossier import Dossier
from graph.dossier.doubt import loose
from graph.dossier.keys import FINDINGS, audit, counted
from ingest.workspace import Workspace
from tests.graph.dossier.made import (
    AS_OF,
    account,
    cluster,
    derive,
    identifiers,
    key,
    seen,
    tables,
)


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Dossier:
    """Four core members on one device; one more by a card, a paying one behind it."""
    roles = ["core"] * 4 + ["likely", "bystander"]
    people = [account(f"m-{n}", "c", role) for n, role in enumerate(roles)]
    people[5]["paid_usd"] = 40.0
    links = [seen(f"m-{n}", "device", "d-0") for n in range(4)]
    links += [seen(f"m-{n}", "card", "k-0") for n in (3, 4)]
    links += [seen(f"m-{n}", "device", "d-1") for n in (4, 5)]
    links += [seen(f"m-{n}", "ip", "campus") for n in range(6)]
    observations = pd.DataFrame(links)
    workspace = Workspace.open(tmp_path_factory.mktemp("chain"))
    given = {
        "accounts": pd.DataFrame(people),
        "observations": observations,
        "identifiers": identifiers(observations),
        "clusters": pd.DataFrame([cluster("c", 6, "ban")]),
    }
    derive(workspace, given)
    return Dossier.open(workspace)


@pytest.mark.parametrize(
    ("aside", "expected"),
    [
        ({"card:k-0"}, ["m-4", "m-5"]),
        ({"device:d-1"}, ["m-5"]),
        ({"device:d-0"}, ["m-0", "m-1", "m-2"]),
        ({"ip:campus"}, []),
        (set(), []),
    ],
)
def test_who_hangs_on_what_is_set_aside_comes_loose(
    chain: Dossier, aside: set[str], expected: list[str]
) -> None:
    gone = loose(chain, "c", aside)
    assert gone["account_id"].tolist() == expected
    assert gone["paying"].sum() == ("m-5" in expected)


def test_a_cluster_that_is_not_there_loses_nobody(chain: Dossier) -> None:
    assert loose(chain, "c-gone", {"device:d-0"}).empty


def audited(name: str, findings: str, **more: object) -> dict[str, object]:
    return (
        key(name, action="none", typology="", cost_usd=0.0) | more | {"audit": findings}
    )


def keyed(tmp_path: Path) -> Dossier:
    given = dict(tables())
    keys = [
        audited("k-old", '["never_rotated_nor_expiring"]', owner_usd=900.0),
        audited("k-out", '["exposed_and_alive", "never_rotated_nor_expiring"]'),
        audited("k-stolen", '["unused"]', action="revoke", cost_usd=5.0),
        audited("k-shared", "[]"),
        audited("k-dead", '["exposed_and_alive"]', revoked_at=AS_OF),
        audited("k-fine", ""),
    ]
    users = [account(f"u-{n}", "", "", tenant_id=f"t-{n}") for n in range(2)]
    used = [seen(f"u-{n}", "key", "k-shared") for n in range(2)]
    used += [seen("u-0", "key", "k-fine")]
    observations = pd.concat([given["observations"], pd.DataFrame(used)])
    things = pd.DataFrame(
        {"kind": "key", "identifier": ["k-shared", "k-fine"], "accounts": [2, 1]}
    )
    given |= {
        "keys": pd.DataFrame(keys),
        "accounts": pd.concat([given["accounts"], pd.DataFrame(users)]),
        "observations": observations,
        "identifiers": pd.concat([given["identifiers"], things]),
    }
    workspace = Workspace.open(tmp_path / "w")
    derive(workspace, given)
    return Dossier.open(workspace)


def test_what_a_thief_uses_goes_first_then_the_most_urgent_finding(
    tmp_path: Path,
) -> None:
    dossier = keyed(tmp_path)
    found = audit(dossier)
    assert found.rows["key_id"].tolist() == ["k-stolen", "k-out", "k-shared", "k-old"]
    assert found.keys == 4
    assert found.rows["tenants"].tolist() == [0, 0, 2, 0]
    assert counted(dossier) == dict(zip(FINDINGS, (1, 1, 0, 1, 2), strict=True))
    narrowed = audit(dossier, "never_rotated_nor_expiring")
    assert narrowed.rows["key_id"].tolist() == ["k-out", "k-old"]
    assert audit(dossier, page=7).rows["key_id"].tolist()[0] == "k-stolen"
