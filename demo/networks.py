"""Where traffic comes from: providers, campuses, clouds, exits, and their addresses.

Blocks are real allocations, so that an address looks like what it is; which address
inside a block somebody gets is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_network

import numpy as np
from numpy.typing import NDArray

from demo.dice import Dice, Floats, Ints, Words, combine

HOMES = {
    "US": "73.15.0.0/16 24.16.0.0/16 71.190.0.0/16 2601:280::/32",
    "GB": "86.140.0.0/16 82.20.0.0/16 2a00:23c0::/32",
    "DE": "91.12.0.0/16 79.200.0.0/16 2003:c0::/32",
    "FR": "90.40.0.0/16 86.200.0.0/16 2a01:cb00::/32",
    "ES": "83.50.0.0/16 79.150.0.0/16",
    "IT": "79.20.0.0/16 93.40.0.0/16",
    "PL": "83.20.0.0/16 79.184.0.0/16",
    "TR": "85.100.0.0/16 88.230.0.0/16",
    "BR": "177.30.0.0/16 189.40.0.0/16 2804:14c::/32",
    "JP": "118.20.0.0/16 126.10.0.0/16 2400:4050::/32",
    "KR": "121.130.0.0/16 175.200.0.0/16",
    "CN": "116.20.0.0/16 113.90.0.0/16",
    "AU": "1.130.0.0/16 110.140.0.0/16",
    "IN": "122.160.0.0/16 59.90.0.0/16 2409:4040::/32",
    "ID": "36.80.0.0/16 180.250.0.0/16",
    "VN": "113.160.0.0/16 14.160.0.0/16",
    "NG": "197.210.0.0/16 105.112.0.0/16",
    "KE": "105.160.0.0/16 41.90.0.0/16",
}
MOBILES = {
    "US": "172.58.0.0/16 107.77.0.0/16 174.200.0.0/16 2607:fb90::/32",
    "GB": "82.132.0.0/16 31.94.0.0/16",
    "DE": "80.187.0.0/16",
    "FR": "37.170.0.0/16",
    "IN": "49.44.0.0/16 157.40.0.0/16 106.200.0.0/16",
    "ID": "114.125.0.0/16",
    "NG": "102.90.0.0/16",
    "KE": "197.180.0.0/16",
    "BR": "179.240.0.0/16",
    "JP": "49.98.0.0/16",
}
CAMPUSES = (
    "18.9.22.0/24 171.64.1.0/24 128.32.1.0/24 129.132.1.0/24 131.159.1.0/24 "
    "129.67.1.0/24 131.111.1.0/24 133.11.1.0/24 143.107.1.0/24 103.21.124.0/24 "
    "166.111.4.0/24 147.83.1.0/24"
)
CLOUDS = (
    "3.210.0.0/16 18.205.0.0/16 34.70.0.0/16 34.90.0.0/16 20.40.0.0/16 "
    "4.150.0.0/16 95.216.0.0/16 65.108.0.0/16 51.68.0.0/16 159.65.0.0/16 "
    "167.99.0.0/16 139.59.0.0/16 45.33.0.0/16 45.76.0.0/16 2600:1f18::/36"
)
VPNS = (
    "146.70.48.0/23 37.19.200.0/24 172.94.16.0/24 45.81.148.0/24 93.88.144.0/24 "
    "193.32.127.0/24 185.159.157.0/24 89.187.170.0/24"
)
RELAYS = "104.28.28.0/22 172.225.90.0/23 146.75.130.0/24 140.248.1.0/24"

_ACCOUNTS_PER_CARRIER_ADDRESS = 350
"""Accounts behind one carrier-grade address: hundreds, as operators report."""


@dataclass(frozen=True)
class Networks:
    """Every network of a world; an index into the arrays names one.

    Indices past the arrays name a whole group, of which each lease takes another
    member: `proxy` (any home), `fleet` (any cloud), `roam` (any mobile).
    """

    base: Words
    size: Ints
    stride: Ints
    """Distance between the addresses in use: homes lie scattered over their block."""
    six: NDArray[np.bool_]
    kind: NDArray[np.object_]
    country: NDArray[np.object_]
    members: tuple[Ints, ...]

    @property
    def proxy(self) -> int:
        """Index of the group of all home networks."""
        return len(self.base)

    @property
    def fleet(self) -> int:
        """Index of the group of all clouds."""
        return len(self.base) + 1

    @property
    def roam(self) -> int:
        """Index of the group of all mobile carriers."""
        return len(self.base) + 2

    def of(self, kind: str, country: str | None = None) -> Ints:
        """Return the indices of a kind, in a country where it has any there."""
        mine = self.kind == kind
        there = mine & (self.country == country)
        return np.flatnonzero(there if there.any() else mine)

    def addresses(
        self, net: Ints, salt: Ints, lease: Floats, t: Floats
    ) -> tuple[Words, Words]:
        """Return (upper, lower) 64 bits of the address held at `t` (seconds).

        The holder `salt` keeps an address for `lease` seconds, then gets another of
        the same network; upper is 0 for IPv4.
        """
        phase = (salt % 86_400) / 86_400.0
        slot = np.floor(t / lease + phase).astype(np.int64)
        net = self._member(net, combine(salt, slot, 11))
        draw = combine(salt, slot, net)
        place = draw % self.size[net].astype(np.uint64)
        six = self.six[net]
        host = combine(salt, np.floor(t / 86_400.0), 5)
        place = place * self.stride[net].astype(np.uint64)
        upper = np.where(six, self.base[net] + place, np.uint64(0))
        return upper, np.where(six, host, self.base[net] + place)

    def _member(self, net: Ints, draw: Words) -> Ints:
        chosen = net.copy()
        for offset, group in enumerate(self.members):
            mine = net == len(self.base) + offset
            chosen[mine] = group[(draw[mine] % np.uint64(group.size)).astype(np.int64)]
        return chosen


def lay(dice: Dice, accounts: int) -> Networks:
    """Return the networks of a world of so many accounts.

    Pools grow with the world, so that re-assigned home addresses and the accounts
    behind a carrier's address stay as common in a small world as in a large one.
    """
    home = int(np.clip(accounts // 2, 256, 1 << 16))
    carrier = int(np.clip(accounts // (40 * _ACCOUNTS_PER_CARRIER_ADDRESS), 1, 4096))
    rows = [
        *_rows("home", HOMES, home),
        *_rows("mobile", MOBILES, carrier),
        *_rows("campus", {"": CAMPUSES}, 0),
        *_rows("cloud", {"": CLOUDS}, 1 << 16),
        *_rows("vpn", {"": VPNS}, int(np.clip(accounts // 100, 8, 250))),
        *_rows("relay", {"": RELAYS}, int(np.clip(accounts // 60, 12, 250))),
    ]
    kind, country, base, six, size, stride = (
        np.array(column) for column in zip(*rows, strict=True)
    )
    # A campus hides behind one to four addresses.
    size = np.where(size == 0, dice.rng.integers(1, 5, size.size), size)
    kind, country = kind.astype(object), country.astype(object)
    groups = tuple(np.flatnonzero(kind == k) for k in ("home", "cloud", "mobile"))
    base = base.astype(np.uint64)
    return Networks(base, size, stride, six, kind, country, groups)


def _rows(
    kind: str, blocks: dict[str, str], size: int
) -> list[tuple[str, str, int, bool, int, int]]:
    found = []
    for country, text in blocks.items():
        for block in text.split():
            net = ip_network(block)
            six = net.version == 6
            base = int(net.network_address)
            base = base >> 64 if six else base + 1
            room = 1 << 16 if six else net.num_addresses - 2
            used = min(size, room)
            # An IPv6 line owns a /56, hence 256 networks from one line to the next.
            spread = room // used if kind == "home" else 1
            stride = 256 if six else spread
            found.append((kind, country, base, six, used, stride))
    return found
