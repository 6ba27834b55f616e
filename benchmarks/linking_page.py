"""The page that tells how well linking does on real data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]

_HEAD = """\
# Linking on real data

Made by `python -m benchmarks.linking --airdrop FOLDER --records FOLDER`; do not edit
by hand. All methods are given the same accounts and identifiers in the same run.

- **pair P, R, F1**: of the pairs of accounts put together, the share that belongs
  together; of those that belong together, the share put together.
- **B³ P, R, F1**: the same seen from each account (Bagga and Baldwin 1998).
- **astray**: accounts that belong to nobody, put into a cluster of five or more.
- **s**: seconds of one run in one warm process; read them as orders of magnitude.

"components": connected components over the shared identifiers. Louvain (NetworkX) and
PLM (NetworKit) work on the unweighted projection: one edge for each pair of accounts
that share an identifier of at most 50 accounts.
"""

_SECTIONS: dict[str, tuple[str, str]] = {
    "airdrop": (
        "Farms that signed up for an airdrop",
        """\
43,052 real accounts that qualified for the airdrop of Hop Protocol in May 2022
([hop-protocol/hop-airdrop](https://github.com/hop-protocol/hop-airdrop), ISC), of
which the project disqualified a third as farms. An identifier is an address, shared
by the accounts that traded with it and by the account that it is; it enters as a
further kind of identifier (`identifier.seen`), with the weights any further kind has.
An account's creation is its first use of the bridge. Nothing is known of harm, so no
account counts as harmful.

- `report`: farms that outside analysts found by other means, 2,956 labelled accounts
  in 100 clusters. Most of their common addresses are missing from the public transfer
  files: the recall of "components, all identifiers" is the most that any method can
  reach.
- `transfer_graph`: farms that the project itself found as components of these
  transfers, 6,680 accounts in 216 clusters. **Circular** for every method here: it
  shows agreement with the project's reviewed answer, not discovery.

The other side are the 17,317 accounts that were paid. They hold farms that nobody
found and people with several wallets, so precision is a lower bound.""",
    ),
    "records": (
        "Records of people with errors in them",
        """\
Splink's public sets
([splink_datasets](https://github.com/moj-analytical-services/splink_datasets), MIT).
One record is one account; the identifiers are exact values: fake_1000: e-mail, name
with birth date, surname with birth date; febrl: social security number, name with
birth date, surname with house number and postcode; historical_50k: name with birth
date, surname with postcode, birth date with postcode. All but the e-mail are further
kinds. There is no time of creation, so each record has one at random.

This is not what Ringfence is made for: one person's few records among strangers, no
hub to drop, no farm. It is here to show that linking does not over-merge, and what it
leaves apart. A tool for records compares fuzzily and would find more than any row
here.""",
    ),
}

_COLUMNS = (
    "| method | pair P | pair R | pair F1 | B³ P | B³ R | B³ F1 | astray | s |\n"
    "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)


def page(rows: Sequence[Row]) -> str:
    """The whole page for the measured rows, in their order."""
    parts = [_HEAD]
    for section, (title, text) in _SECTIONS.items():
        names = [name for name in _names(rows) if _section(name) == section]
        if names:
            parts += [f"## {title}\n", text + "\n"]
        for name in names:
            parts += [f"### {name}\n", _table(rows, name) + "\n"]
    return "\n".join(parts)


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["data"] for row in rows))


def _section(name: str) -> str:
    return "airdrop" if name.startswith("airdrop") else "records"


def _table(rows: Sequence[Row], name: str) -> str:
    return "\n".join([_COLUMNS, *(_line(row) for row in rows if row["data"] == name)])


def _line(row: Row) -> str:
    shares = ("pair_precision", "pair_recall", "pair_f1", "b_precision", "b_recall")
    figures = " | ".join(f"{row[share]:.3f}" for share in (*shares, "b_f1"))
    return f"| {row['method']} | {figures} | {row['astray']:,} | {row['seconds']:.2f} |"
