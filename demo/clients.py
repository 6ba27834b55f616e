"""The software people arrive with: user agents, TLS fingerprints, device ids."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from demo.dice import Dice, Ints, Texts, hexes, mix

_DESKTOPS = (
    "Windows NT 10.0; Win64; x64",
    "Macintosh; Intel Mac OS X 10_15_7",
    "X11; Linux x86_64",
    "X11; CrOS x86_64 14541.0.0",
)
_PHONES = (
    "iPhone; CPU iPhone OS 18_7 like Mac OS X",
    "iPhone; CPU iPhone OS 17_6 like Mac OS X",
    "iPad; CPU OS 18_5 like Mac OS X",
)
_SDKS = (
    "OpenAI/Python 1.51.2", "OpenAI/Python 1.99.9", "OpenAI/Python 2.6.1",
    "OpenAI/JS 4.104.0", "OpenAI/JS 5.12.2", "OpenAI/JS 6.3.0",
    "Anthropic/Python 0.40.0", "Anthropic/Python 0.64.0", "Anthropic/Python 0.71.0",
    "Anthropic/JS 0.60.0", "Anthropic/JS 0.67.0", "google-genai-sdk/1.38.0",
    "langchain-openai/0.3.33", "LiteLLM/1.77.5", "axios/1.12.2", "node-fetch/3.3.2",
    "python-httpx/0.28.1", "python-requests/2.32.5", "Go-http-client/2.0",
    "okhttp/4.12.0", "curl/8.5.0", "claude-cli/2.0.14 (external, cli)",
    "codex_cli_rs/0.46.0", "Vercel/AI-SDK 5.0.60", "GuzzleHttp/7", "reqwest/0.12.23",
)  # fmt: skip
_TOOLS = (
    "python-requests", "python-httpx", "aiohttp", "node-fetch", "Go-http-client",
    "OpenAI/Python", "Anthropic/Python", "axios", "okhttp", "undici", "reqwest",
)  # fmt: skip
_ODD = 400


@dataclass(frozen=True)
class Clients:
    """Every client of a world; an index into the two texts names one."""

    user_agent: Texts
    ja4: Texts
    browsers: Ints
    phones: Ints
    sdks: Ints
    odd: Ints
    """Builds that few people run: old versions, own programs, other proxies."""


def gather(dice: Dice) -> Clients:
    """Return the clients of a world, with odd builds of its own."""
    browsers, phones = _browsers(), _phones()
    odd = _odd(dice)
    agents = np.array([*browsers, *phones, *_SDKS, *odd], dtype=object)
    edges = np.cumsum([0, len(browsers), len(phones), len(_SDKS), len(odd)])
    parts = [np.arange(a, b) for a, b in pairwise(edges)]
    return Clients(agents, _ja4(agents), parts[0], parts[1], parts[2], parts[3])


def _browsers() -> list[str]:
    found = []
    for desk in _DESKTOPS:
        for version in (138, 139, 140, 141, 142):
            chrome = (
                f"Mozilla/5.0 ({desk}) AppleWebKit/537.36 (KHTML, like Gecko) "
                f"Chrome/{version}.0.0.0 Safari/537.36"
            )
            found.append(chrome)
            if "Windows" in desk:
                found.append(f"{chrome} Edg/{version}.0.0.0")
            if "CrOS" not in desk:
                found.append(
                    f"Mozilla/5.0 ({desk}; rv:{version}.0) Gecko/20100101 "
                    f"Firefox/{version}.0"
                )
    mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15"
    found += [f"{mac} (KHTML, like Gecko) Version/{v} Safari/605.1.15"
              for v in ("17.6", "18.4", "18.6", "26.0")]  # fmt: skip
    return found


def _phones() -> list[str]:
    apple = [
        f"Mozilla/5.0 ({phone}) AppleWebKit/605.1.15 (KHTML, like Gecko) "
        f"Version/{version} Mobile/15E148 Safari/604.1"
        for phone in _PHONES
        for version in ("17.6", "18.5", "18.7")
    ]
    android = [
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) "
        f"Chrome/{version}.0.0.0 Mobile Safari/537.36"
        for version in (138, 139, 140, 141, 142)
    ]
    return apple + android


def _odd(dice: Dice) -> list[str]:
    tool = dice.pick(_TOOLS, _ODD)
    numbers = dice.rng.integers(0, 60, (_ODD, 3))
    return [
        f"{name}/{a % 9}.{b}.{c}" for name, (a, b, c) in zip(tool, numbers, strict=True)
    ]


def _ja4(agents: Texts) -> Texts:
    """A TLS fingerprint names the library, hence family and major version only."""
    family = [_family(agent) for agent in agents]
    words = mix([sum(ord(c) * 257**i for i, c in enumerate(f)) % 2**61 for f in family])
    browser = np.char.startswith(agents.astype(str), "Mozilla")
    start = np.where(browser, "t13d1516h2_", "t13d3112h1_").astype(object)
    return np.asarray(start + hexes(words, 12) + "_" + hexes(mix(words), 12))


def _family(agent: str) -> str:
    if not agent.startswith("Mozilla"):
        return agent.split(".", maxsplit=1)[0]
    for name in ("Edg/", "Firefox/", "Chrome/"):
        if name in agent:
            # Browsers change their hello every few versions, not with each.
            return f"{name}{int(agent.split(name)[1][:3]) // 4}"
    return "Safari"


def device_ids(dice: Dice, scheme: Texts) -> Texts:
    """Return a fresh device id for each row, empty where the scheme is empty."""
    ids = np.where(scheme == "", "", dice.ids("", scheme.size))
    return ids.astype(object)


def popular_devices(dice: Dice, n: int, kinds: int) -> Texts:
    """Return ids of fingerprints that many unrelated people share.

    `kinds` different ones, common ones far more often than rare ones: phones of one
    model and office images look alike to a fingerprint script.
    """
    pool = dice.ids("", kinds)
    weights = 1.0 / np.arange(1, kinds + 1)
    chosen: NDArray[np.object_] = pool[dice.index(kinds, n, list(weights))]
    return chosen
