"""The speed benchmarks on tiny sizes: every script runs, the page tells its figures."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from benchmarks import made_observations, speed
from benchmarks.clusters import main as clusters_main
from benchmarks.growth import exponents
from benchmarks.measure import Figure, MeasureError, Run, repeat, run
from benchmarks.performance_page import page
from benchmarks.ratios import ratios
from benchmarks.regressions import regressions
from benchmarks.work import GROUPS, Bench, batch, clusters, events, publishing
from ingest.manifest import Manifest


def figure(work: str, seconds: float, size: int = 10, **more: float) -> Figure:
    """One run of one work."""
    return Figure(work, size, 1, seconds, seconds, 1.0, more)


def test_the_page_is_told_in_medians(monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = {"seconds": [3.0, 1.0, 2.0], "cpu_seconds": [1.0, 1.0, 9.0]}
    works = dict.fromkeys(("queue", "cluster", "opened", "click", "pyvis"), seconds)
    told = json.dumps({"nodes": 300, "first_load_kb": 35.4, "works": works})
    ran = Run(9.0, 9.0, 200.0, told)
    monkeypatch.setattr(Bench, "module", lambda *_, **__: ran)
    monkeypatch.setattr("tests.views.browser.CHROMIUM", Path(__file__))
    figures = list(GROUPS["page"](Bench(Path("nowhere"), accounts=70)))
    assert [(one.seconds, one.cpu_seconds) for one in figures] == [(2.0, 1.0)] * 5
    words = page(figures, 1.0)
    assert "| queue | 70 | 2.00 | 1.00 | 200 | 35 kB of data at first | 3 |" in words
    assert (
        "its graph, by its address | 70 | 2.00 | 1.00 | 200 | 300 nodes | 3 |" in words
    )
    assert "| cluster with its graph, opened within the page | 70 | 2.00 |" in words
    assert "| a drawn cluster over pyvis, 70 | 1 |  |" in words


def test_a_run_tells_time_memory_and_what_it_said() -> None:
    made = run([sys.executable, "-c", "print('x' * len(bytearray(99_000_000)) == '')"])
    assert made.said == "False\n"
    assert made.peak_mb > 90
    assert made.cpu_seconds > 0


def test_the_peak_is_the_commands_own() -> None:
    ballast = bytearray(b"x") * 300_000_000
    assert run([sys.executable, "-c", "pass"]).peak_mb < 100
    assert len(ballast) == 300_000_000


def test_a_failing_command_is_an_error_with_its_last_line() -> None:
    with pytest.raises(MeasureError, match="ValueError: a reason"):
        run([sys.executable, "-c", "raise ValueError('a reason')"])


def test_figures_are_medians_and_the_highest_peak() -> None:
    runs = iter(
        [run([sys.executable, "-c", f"print({number})"]) for number in (3, 1, 2)]
    )
    got = repeat("w", 5, 3, lambda: next(runs), lambda one: {"told": float(one.said)})
    assert (got.runs, got.more) == (3, {"told": 2.0})


def test_made_observations_are_the_same_again(tmp_path: Path) -> None:
    def rows(name: str) -> list[tuple[object, ...]]:
        made = made_observations.make(tmp_path / name, 2000)
        with duckdb.connect() as connection:
            return (
                connection.read_parquet(made.observations)
                .aggregate(
                    "count(*), count(DISTINCT account_id), bit_xor(hash(COLUMNS(*)))"
                )
                .fetchall()
            )

    assert rows("one") == rows("two")
    assert rows("one")[0][1] == 2000


def small(folder: Path) -> Bench:
    """The least that makes a world."""
    return Bench(
        folder,
        runs=1,
        accounts=400,
        mean_events=12,
        linking=(2000,),
        merged=50,
        engines=("embedded",),
    )


def events_held(bench: Bench) -> int:
    """How many events the ledger of the bench's workspace holds."""
    manifest = Manifest.read(bench.workspace / "ledger")
    assert manifest is not None
    return sum(part.rows for part in manifest.segments if part.family == "events")


def test_clusters_of_every_method(tmp_path: Path) -> None:
    found = {one.work: one.more for one in clusters(small(tmp_path))}
    assert found["components"]["grouped"] >= found["ringfence"]["grouped"] > 0
    assert found["louvain"]["grouped"] == found["plm"]["grouped"]


def test_without_a_second_run_none_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made_observations.make(tmp_path, 2000)
    for _ in range(2):
        clusters_main("scan", tmp_path, again=False)
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    made = iter([Run(1.0, 1.0, 1.0, json.dumps(one)) for one in told])
    found = repeat(
        "scan", 2000, 2, lambda: next(made), lambda one: json.loads(one.said)
    )
    assert found.more["cold"] > 0
    assert "warm" not in found.more


def test_events_and_publishing(tmp_path: Path) -> None:
    bench = small(tmp_path)
    works = [one.work for one in events(bench)]
    assert works == ["count", "store", "ingest", "detect", "export"]
    stored = pq.read_metadata(tmp_path / "events.parquet").num_rows
    assert stored == events_held(bench) > 2000
    before = events_held(bench)
    told = {one.work: one.more["events"] for one in batch(replace(bench, runs=2))}
    assert told["batch ingest"] == told["batch detect"] > 100
    assert events_held(bench) - before == 2 * told["batch ingest"]
    loads = {one.work: one.more for one in publishing(bench)}
    assert loads["plain embedded"]["relationships"] == 50
    assert loads["ringfence embedded"]["relationships"] > 200
    changed = loads["change embedded"]
    assert 0 < changed["relationships"] < loads["ringfence embedded"]["relationships"]
    assert loads["plain change embedded"]["loading_seconds"] == changed["plain_seconds"]


def test_ratios_compare_like_with_like() -> None:
    figures = [
        figure("count", 2.0), figure("ingest", 3.0), figure("detect", 4.0),
        figure("export", 1.0), figure("count", 9.0, size=20),
        figure("scan", 9.0, cold=1.0), figure("ringfence", 9.0, cold=5.0),
        figure("ringfence embedded", 9, loading_seconds=4.0, relationships=400.0),
        figure("plain embedded", 9, loading_seconds=5.0, relationships=50.0),
    ]  # fmt: skip
    found = ratios(figures)
    assert found["ingest, detect and export over counting the files, 10"] == 4.0
    assert found["clusters over reading their columns, 10"] == 5.0
    merged = "a published relationship over a plainly merged one (embedded), 10"
    assert found[merged] == pytest.approx(0.1)
    assert not [name for name in found if name.endswith("20")]


def test_half_again_worse_is_a_regression() -> None:
    before = {"a": 1.0, "b": 1.0, "c": 1.0}
    assert regressions({"a": 1.4, "b": 1.6, "c": 0.1}, before) == ["b: was 1, is 1.6"]
    assert len(regressions({}, before)) == 3


KEPT: dict[str, float] = json.loads(speed.BASELINE.read_text())


@pytest.mark.parametrize("name", KEPT)
def test_each_kept_ratio_may_worsen_by_half_and_no_more(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    call = ["--check", f"--results={tmp_path}", "--only=starting"]
    monkeypatch.setattr(speed, "measure", lambda *_: [])
    for worse, status in ((1.49, 0), (1.51, 1)):
        now = {**KEPT, name: worse * KEPT[name]}
        monkeypatch.setattr(speed, "ratios", lambda _, now=now: now)
        assert speed.main(call) == status


def test_growth_is_the_power_of_the_size() -> None:
    figures = [
        Figure("ringfence", size, 1, 1.0, 1.0, 5.0 * size**0.5, {"work": 2.0 * size**2})
        for size in (10, 100, 1000)
    ]
    found = exponents(figures)
    assert found == {
        "processor time": pytest.approx(2), "peak memory": pytest.approx(0.5)
    }  # fmt: skip
    assert exponents(figures[:1]) == {}
    assert "| processor time | 2.00 |" in page(figures, load=1.0)


def test_the_page_tells_each_figure() -> None:
    told = page([figure("count", 2.0), figure("ingest", 3.25)], load=7.25)
    assert "load average at the end was 7.2" in told
    assert "| `ringfence ingest` | 10 | 3.25 | 3.25 | 1 |  | 1 |" in told
    assert "| ingest over counting the files, 10 | 1.62 |" in told
    assert "Publishing" not in told


def test_the_command_keeps_checks_and_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = 1.0

    def fake(_: Bench) -> Iterator[Figure]:
        yield figure("python", 1.0, size=0)
        yield figure("help", seconds, size=0)

    monkeypatch.setitem(GROUPS, "starting", fake)
    places = [
        f"--results={tmp_path}", f"--baseline={tmp_path / 'baseline.json'}",
        f"--page={tmp_path / 'page.md'}", "--only=starting",
    ]  # fmt: skip
    assert speed.main([*places, "--keep"]) == 0
    assert speed.main([*places, "--check"]) == 0
    assert not (tmp_path / "page.md").exists()
    seconds = 2.0
    assert speed.main([*places, "--check"]) == 1
    assert speed.main(places) == 0
    assert "an empty Python" in (tmp_path / "page.md").read_text()
    assert len(json.loads((tmp_path / "speed.json").read_text())) == 2
