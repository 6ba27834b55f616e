"""What is consumed: models with list prices, endpoints, and habits of choosing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.dice import Dice, Floats

MODELS = {
    "gpt-4o": (2.5, 10.0),
    "gpt-4o-mini": (0.15, 0.6),
    "gpt-4.1": (2.0, 8.0),
    "gpt-4.1-mini": (0.4, 1.6),
    "gpt-5": (1.25, 10.0),
    "gpt-5-mini": (0.25, 2.0),
    "gpt-5-nano": (0.05, 0.4),
    "gpt-5-pro": (15.0, 120.0),
    "o3": (2.0, 8.0),
    "o4-mini": (1.1, 4.4),
    "claude-opus-4-5": (5.0, 25.0),
    "claude-sonnet-4-5": (3.0, 15.0),
    "claude-haiku-4-5": (1.0, 5.0),
    "gemini-2.5-pro": (1.25, 10.0),
    "gemini-2.5-flash": (0.3, 2.5),
    "deepseek-chat": (0.28, 0.42),
}
"""Input and output list price, dollars per million tokens."""

ENDPOINTS = (
    "/v1/chat/completions", "/v1/messages", "/v1/responses", "/v1/embeddings",
    "/v1/models", "/v1/images/generations", "/v1/batches",
)  # fmt: skip
RECON = ENDPOINTS.index("/v1/models")
REGIONS = ("us-east-1", "us-west-2", "eu-west-1", "eu-central-1", "ap-northeast-1",
           "ap-south-1", "sa-east-1", "us-east-2")  # fmt: skip

_DEAR = ("gpt-5-pro", "claude-opus-4-5", "claude-sonnet-4-5", "gpt-5", "gemini-2.5-pro")
_HABITS = 64


@dataclass(frozen=True)
class Habits:
    """Ways to choose models and endpoints: each row adds up to one."""

    models: Floats
    endpoints: Floats
    dear: int
    """Rows from here on prefer the dearest models."""


def habits(dice: Dice) -> Habits:
    """Return the habits of a world: most people stay with one or two models."""
    taste = np.array([6, 10, 4, 5, 8, 8, 3, 0.3, 2, 3, 2, 8, 6, 5, 5, 3], dtype=float)
    usual = dice.rng.dirichlet(taste / taste.sum() * dice.one(0.8, 3.0), _HABITS)
    liked = np.array([8.0 if name in _DEAR else 0.15 for name in MODELS])
    dear = dice.rng.dirichlet(liked / liked.sum() * dice.one(1.5, 5.0), _HABITS // 2)
    models = np.vstack([usual, dear])
    weights = np.array([10, 6, 4, 1, 0.2, 0.3, 0.5])
    endpoints = dice.rng.dirichlet(weights / 5, len(models))
    return Habits(models / models.sum(1, keepdims=True), endpoints, _HABITS)


def prices() -> tuple[Floats, Floats]:
    """Return (input, output) dollars a token, in the order of `MODELS`."""
    table = np.array(list(MODELS.values())) / 1e6
    return table[:, 0], table[:, 1]
