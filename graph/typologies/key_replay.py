"""A leaked key is replayed at scale beside its owner's own traffic.

The replay index (shared hours) tells theft from migration: after a cut-over the old
sources fall silent, under a replay both go on. The owner is a victim.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from graph.typologies.evidence import Evidence

# Foreign traffic that costs less is a look around, a researcher's check or a typing
# error (detection trap: one list-models call is not theft).
LEAST_LOSS_USD = 2.0
# A load test ends on schedule; a thief stays as long as the key lives.
SCHEDULED_HOURS = 8
# Scanners try a public key within minutes; a day later it may be anybody.
PROMPT_SECONDS = 86400.0


def detect(keys: pd.DataFrame) -> list[Evidence]:
    """Evidence for and against replay of each key of `graph.key_frame.key_frame`."""
    foreign = keys["foreign_requests"].to_numpy()
    networks = keys["foreign_networks"].to_numpy()
    beside = np.minimum(
        keys["shared_hours"].to_numpy(), keys["owner_hours_after"].to_numpy()
    )
    present = foreign > 0
    tool = keys["tool_shift"].to_numpy()
    purpose = np.maximum(
        keys["model_shift"].to_numpy(), keys["prompt_shift"].to_numpy()
    )
    crew = keys["crew_owners"].to_numpy()
    leaked = (crew > 0) | keys["exposed_at"].notna().to_numpy()
    exposed = keys["exposed_at"].notna().to_numpy()
    wait = (keys["foreign_first"] - keys["exposed_at"]).dt.total_seconds()
    prompt = (wait.between(0, PROMPT_SECONDS)).to_numpy()
    half = keys["foreign_first"] + (keys["foreign_last"] - keys["foreign_first"]) / 2
    moved = (keys["owner_last"] < half).to_numpy(dtype=bool)
    short = keys["foreign_hours"].to_numpy() <= SCHEDULED_HOURS
    scheduled = present & ~leaked & short & (purpose < 0.4)
    # At scale: three networks or more, a crew that has other keys too, a public leak.
    spread = ((networks > 2) & ~scheduled) | leaked
    trust = np.where(spread, 1.0, 0.4)
    cost = keys["foreign_usd"].to_numpy()
    lasting = keys["owner_hours_after"].to_numpy()
    return [
        Evidence(
            "beside_the_owner",
            "key",
            np.where(
                present & spread & (lasting >= 2),
                np.minimum(1.0 + 0.7 * beside, 4.0),
                0.0,
            ),
            "Strangers used it in {hours:.0f} of the hours in which its owner did.",
            {"hours": beside},
        ),
        Evidence(
            "one_crew",
            "key",
            np.where(present & (crew > 0), np.minimum(2.0 + crew, 5.0), 0.0),
            "The same strangers use the keys of {owners:.0f} other owners.",
            {"owners": crew},
        ),
        Evidence(
            "other_tool",
            "device",
            np.where(present, 3.0 * tool * trust, 0.0),
            "{share:.0%} of the strange sources use a client its owner never used.",
            {"share": tool},
        ),
        Evidence(
            "other_purpose",
            "behaviour",
            np.where(present, 3.0 * purpose * trust, 0.0),
            "{share:.0%} of the strange sources ask for models or run prompts its "
            "owner never did.",
            {"share": purpose},
        ),
        Evidence(
            "many_networks",
            "network",
            np.where(networks >= 2, np.minimum(0.4 * np.log2(networks + 1), 1.5), 0.0),
            "It was used from {networks:.0f} networks its owner never used.",
            {"networks": networks},
        ),
        Evidence(
            "probing",
            "behaviour",
            np.where(keys["foreign_errors"] >= 3, 1.5, 0.0),
            "{errors:.0f} strange requests were refused, as when limits are probed.",
            {"errors": keys["foreign_errors"].to_numpy()},
        ),
        Evidence(
            "foreign_cost",
            "harm",
            np.where(
                cost >= LEAST_LOSS_USD, np.minimum(0.5 + np.log1p(cost / 10), 3.0), 0.0
            ),
            "Strangers consumed ${cost:.2f} on it.",
            {"cost": cost},
        ),
        Evidence(
            "owner_moved",
            "benign",
            np.where(present & ~leaked & (moved | (lasting < 2)), -4.0, 0.0),
            "Its owner's old sources fell silent when the new ones came: a migration "
            "looks like this.",
        ),
        Evidence(
            "one_new_place",
            "benign",
            np.where(
                present
                & (networks <= np.where(exposed, 4, 2))
                & (crew == 0)
                & ~prompt
                & (cost < 3 * keys["usage_usd"].to_numpy() / 4),
                -6.0,
                0.0,
            ),
            "The strange traffic comes from one or two places and costs less than its "
            "owner's: a contractor or a new deployment looks like this.",
        ),
        Evidence(
            "scheduled_test",
            "benign",
            np.where(scheduled, -6.0, 0.0),
            "A few hours of the owner's own models from other machines: a load test "
            "looks like this.",
        ),
        Evidence(
            "many_hands",
            "benign",
            np.where(
                present & (keys["networks"].to_numpy() - networks >= networks),
                -3.0,
                0.0,
            ),
            "It was used from as many networks before: a key that many hands share.",
        ),
        Evidence(
            "small_share",
            "benign",
            np.where(present & (cost < 0.02 * keys["usage_usd"].to_numpy()), -2.0, 0.0),
            "The strange traffic is under a fiftieth of its use.",
        ),
    ]
