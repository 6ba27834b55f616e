"""From the ledger to verdicts: links, clusters, detectors, gates, derived tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pandas as pd

from graph import account_tables, key_tables, tenant_tables
from graph.account_tables import JudgedAccounts, Judgement
from graph.basis import basis
from graph.benign import as_evidence, describe_clusters, weigh_hypotheses
from graph.derived import Snapshot, write_snapshot
from graph.engine import ONE_MACHINE, Engine
from graph.key_frame import key_frame
from graph.key_tables import JudgedKeys
from graph.key_use import TRACES, trace_keys
from graph.money import settle
from graph.observations import latest_credible_time, observe
from graph.profile import profile
from graph.reviews import latest_reviews
from graph.scene import Scene, compose
from graph.seen import let_go
from graph.tenant_frame import tenant_frames
from graph.tenant_tables import JudgedTenants
from graph.typologies import ACCOUNT_DETECTORS
from graph.typologies.evidence import Evidence
from graph.verdicts import DEFAULT_BASE_RATE, judge_accounts
from ingest.ledger import Ledger
from ingest.progress import Progress, Report, silent
from ingest.reference import prices
from ingest.soundness import require_sound
from ingest.workspace import Resources, Workspace

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - naive UTC throughout, as in the ledger

# The ledger has a view of that name; the derived table adds what linking found.
HELD_AS = {"identifiers": "judged_identifiers"}

# The stages, and the percent of a detection's time that has gone when each begins:
# measured at 3 million events on 2 cores.
_BEGINS = {
    "reading observations": 0,
    "tracing keys": 31,
    "following tenants": 42,
    "settling who paid": 50,
    "linking accounts": 59,
    "weighing verdicts": 72,
    "writing the derived tables": 88,
}


@dataclass(frozen=True)
class Settings:
    """What a user may set for one run of detection.

    `base_rate` is the share of accounts expected to be abusive; `further_kinds` are
    the kinds of `identifier.seen` that may link; `without` names families of evidence
    to leave out, for measuring what each is worth; `looking_back` hides decisions
    made after the moment looked from.
    """

    base_rate: float = DEFAULT_BASE_RATE
    further_kinds: Sequence[str] = ()
    without: frozenset[str] = frozenset()
    looking_back: bool = False

    @property
    def text(self) -> str:
        """The settings in one form, the same in every run."""
        kinds, without = sorted(self.further_kinds), sorted(self.without)
        return repr((self.base_rate, kinds, without, self.looking_back))


def detect(
    workspace: Workspace,
    as_of: datetime | None = None,
    settings: Settings | None = None,
    progress: Progress = silent,
    engine: Engine = ONE_MACHINE,
    *,
    anew: bool = False,
) -> Snapshot:
    """Derive links, clusters and verdicts from the ledger and make them current.

    `as_of` is naive UTC; None takes the latest credible time of the ledger. `engine`
    says where linking runs and changes nothing else. While nothing that the current
    snapshot rests on has changed, that one is given, unless it is to be made `anew`.
    Raises `LedgerError` when a segment is not what was written.
    """
    ledger = Ledger.open(workspace)
    require_sound(ledger, progress)
    connection = ledger.connect()
    _bound(connection, workspace)
    moment = as_of or latest_credible_time(connection) or EPOCH
    chosen = settings or Settings()
    rests_on = basis(ledger.manifest.contents, moment, chosen.text)
    standing = None if anew else Snapshot.standing(workspace, rests_on)
    if standing:
        return standing
    derive(connection, moment, chosen, progress, engine)
    _tell(progress, "writing the derived tables")
    return write_snapshot(
        workspace, connection, ledger.fingerprint, moment, HELD_AS, rests_on
    )


def _bound(connection: duckdb.DuckDBPyConnection, workspace: Workspace) -> None:
    """Keep to the memory that the user allows, and spill inside the workspace.

    Nothing of a run is kept in the connection, so it never pauses to tidy its tables;
    what it lets go of goes back to the machine while it works on.
    """
    connection.execute("SET memory_limit = ?", [Resources.from_environment().memory])
    connection.execute("SET temp_directory = ?", [str(workspace.root / "spill")])
    connection.execute("SET checkpoint_threshold = '1TB'")
    connection.execute("SET allocator_background_threads = true")


def derive(
    connection: duckdb.DuckDBPyConnection,
    as_of: datetime,
    settings: Settings,
    progress: Progress = silent,
    engine: Engine = ONE_MACHINE,
) -> None:
    """Make every table of `graph.derived.TABLES` in a connection to the ledger."""
    _tell(progress, "reading observations")
    observe(connection, as_of, prices())
    reviews = latest_reviews(connection, as_of, looking_back=settings.looking_back)
    _tell(progress, "tracing keys")
    trace_keys(connection)
    keys = key_tables.judge(key_frame(connection), settings.base_rate, reviews)
    connection.register("replayed_keys", keys.replayed())
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE foreign_usage AS "
        "SELECT s.account_id, s.paid_by, s.cost_usd FROM foreign_sources s "
        "SEMI JOIN replayed_keys USING (key_id)"
    )
    key_tables.write(connection, keys)
    let_go(connection, (*TRACES, "crew_marks", "key_aliases"))
    _tell(progress, "following tenants")
    consumption = tenant_frames(connection)
    tenants = tenant_tables.judge(*consumption, settings.base_rate, reviews)
    _tell(progress, "settling who paid")
    settle(connection)
    profiles = profile(connection)
    let_go(connection, ("foreign_usage",))
    _tell(progress, "linking accounts")
    scene = compose(connection, profiles, settings.further_kinds, engine)
    account_tables.write_identifiers(connection, scene)
    _tell(progress, "weighing verdicts")
    accounts = _judge(scene, keys, tenants, reviews, settings)
    account_tables.write(connection, accounts)
    tenant_tables.write(connection, tenants)
    _gather_reasons(connection, keys.reasons, tenants.reasons)


def _judge(
    scene: Scene,
    keys: JudgedKeys,
    tenants: JudgedTenants,
    reviews: pd.DataFrame,
    settings: Settings,
) -> JudgedAccounts:
    """What is called of accounts; what was weighed for it ends here."""
    hypotheses = weigh_hypotheses(describe_clusters(scene, keys.frame))
    evidence = {name: find(scene) for name, find in ACCOUNT_DETECTORS.items()}
    verdicts = judge_accounts(
        scene,
        {name: _left(items, settings) for name, items in evidence.items()},
        as_evidence(scene, hypotheses),
        settings.base_rate,
    )
    made = Judgement(scene, verdicts, hypotheses, tenants, reviews, settings.base_rate)
    return account_tables.judge(made)


def _tell(progress: Progress, stage: str) -> None:
    progress(Report("detecting", _BEGINS[stage], 100, "%", stage))


def _left(evidence: list[Evidence], settings: Settings) -> list[Evidence]:
    return [item for item in evidence if item.family not in settings.without]


def _gather_reasons(connection: duckdb.DuckDBPyConnection, *more: pd.DataFrame) -> None:
    for frame in more:
        if len(frame):
            connection.register("more_reasons", frame)
            connection.execute(
                "INSERT INTO reasons BY NAME SELECT subject_type, subject_id, rank, "
                "code, family, weight, sentence, evidence FROM more_reasons"
            )
