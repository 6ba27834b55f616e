"""AWS WAF: IP sets, the input of `aws wafv2 create-ip-set --cli-input-json`.

IPv4 and IPv6 lie in sets of their own, at most 10,000 addresses each. The rollback
files empty the same sets: the input of `update-ip-set`, which also asks for the set's
id and lock token.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from graph.exports.addresses import batches, until
from graph.exports.package import Bundle, Context, File, json_bytes, rfc3339
from graph.exports.traces import Trace, exclusive
from ingest.errors import UsageError

# The service's quota of addresses in one set.
SET_LIMIT = 10_000

_SCOPES = ("REGIONAL", "CLOUDFRONT")


def build(context: Context) -> Bundle:
    """A set for each family and 10,000 addresses; the IPv4 set is always there."""
    if context.settings.waf_scope not in _SCOPES:
        raise UsageError(
            f"WAF scope {context.settings.waf_scope!r} is unknown: "
            f"RINGFENCE_WAF_SCOPE takes {' or '.join(_SCOPES)}"
        )
    traces, left_out = exclusive(context, "ip")
    sets = list(_sets(traces))
    return Bundle(
        files=tuple(_file(context, *one) for one in sets),
        rollback=tuple(_file(context, *one, lifted=True) for one in sets),
        left_out=tuple(left_out),
    )


def _sets(traces: Sequence[Trace]) -> Iterator[tuple[str, int, list[Trace]]]:
    for version in ("IPV4", "IPV6"):
        family = [t for t in traces if (":" in t.value) == (version == "IPV6")]
        for number, run in enumerate(batches(family, SET_LIMIT), start=1):
            if run or version == "IPV4":
                yield version, number, run


def _file(
    context: Context,
    version: str,
    number: int,
    traces: Sequence[Trace],
    *,
    lifted: bool = False,
) -> File:
    name = version.lower() if number == 1 else f"{version.lower()}-{number}"
    ends = min((until(t) for t in traces if t.expires_at), default="undone")
    document = {
        "Name": f"ringfence-{name}",
        "Scope": context.settings.waf_scope,
        "Description": f"Ringfence {rfc3339(context.clock)}, decisions in the manifest",
    }
    if lifted:
        filled: dict[str, object] = {"Addresses": []}
    else:
        filled = {
            "IPAddressVersion": version,
            "Addresses": [trace.value for trace in traces],
            "Tags": [
                {"Key": "ringfence:snapshot", "Value": context.snapshot.folder.name},
                {"Key": "ringfence:until", "Value": ends},
            ],
        }
    return File("" if name == "ipv4" else name, json_bytes(document | filled))
