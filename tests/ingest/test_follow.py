"""A watched folder gives every complete file once."""

from __future__ import annotations

from pathlib import Path

import pytest

from ingest.errors import UsageError
from ingest.follow import State, follow, new_files


def names(files: list[Path]) -> list[str]:
    return [path.name for path in files]


def test_a_file_is_taken_when_it_has_stopped_growing(tmp_path: Path) -> None:
    growing = tmp_path / "b.jsonl"
    growing.write_text("1")
    (tmp_path / "a.jsonl").write_text("1")
    first, state = new_files(State(), [tmp_path])
    growing.write_text("12")
    second, state = new_files(state, [tmp_path])
    third, state = new_files(state, [tmp_path])
    fourth, _ = new_files(state, [tmp_path])
    found = [names(files) for files in (first, second, third, fourth)]
    assert found == [[], ["a.jsonl"], ["b.jsonl"], []]


def test_unfinished_and_hidden_files_and_links_are_left_alone(tmp_path: Path) -> None:
    for name in ("x.tmp", "x.part", ".hidden"):
        (tmp_path / name).write_text("1")
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "x.tmp")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.jsonl").write_text("1")
    _, state = new_files(State(), [tmp_path])
    files, _ = new_files(state, [tmp_path])
    assert names(files) == ["x.jsonl"]


def test_a_file_written_anew_comes_again(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text("1")
    looked = path.stat()
    look = (looked.st_size, looked.st_mtime_ns)
    taken = State({str(path): look})
    assert new_files(taken, [path])[0] == []
    path.write_text("22")
    _, state = new_files(taken, [path])
    files, state = new_files(state, [path])
    assert files == [path]
    path.unlink()
    assert new_files(state, [path])[1] == State()


def test_the_watch_takes_each_file_once_over_restarts(tmp_path: Path) -> None:
    folder, memory = tmp_path / "in", tmp_path / "memory.json"
    folder.mkdir()
    taken: list[str] = []
    turns = iter(range(100))

    def more() -> bool:
        turn = next(turns)
        if turn % 3 == 0:
            (folder / f"{turn}.jsonl").write_text(str(turn))
        return turn % 10 != 9

    for _ in range(3):
        follow([folder], memory, lambda files: taken.extend(names(files)), more)
    assert sorted(taken) == sorted(path.name for path in folder.iterdir())
    assert len(taken) == len(set(taken)) == 10


def test_what_was_not_finished_comes_again(tmp_path: Path) -> None:
    memory = tmp_path / "memory.json"
    (tmp_path / "x.jsonl").write_text("1")
    taken: list[str] = []

    def fails(_: list[Path]) -> None:
        raise RuntimeError("the power went")

    with pytest.raises(RuntimeError):
        follow([tmp_path / "x.jsonl"], memory, fails, lambda: True)
    turns = iter((True, True, False))
    follow(
        [tmp_path / "x.jsonl"],
        memory,
        lambda files: taken.extend(names(files)),
        lambda: next(turns),
    )
    assert taken == ["x.jsonl"]


def test_a_damaged_memory_is_named(tmp_path: Path) -> None:
    memory = tmp_path / "memory.json"
    memory.write_text("[1]")
    with pytest.raises(UsageError, match="is damaged"):
        State.read(memory)
