"""Framework ids of each typology, always with their year, from one data file."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files


@cache
def controls() -> dict[str, list[str]]:
    """Control ids by typology, in the order of the data file."""
    text = files("graph").joinpath("frameworks.json").read_text(encoding="utf-8")
    table: dict[str, list[str]] = {
        name: [entry["id"] for entry in entries]
        for name, entries in json.loads(text)["typologies"].items()
    }
    return table


@cache
def controls_json(typology: str) -> str:
    """The JSON list of a typology's control ids; an empty list for none."""
    return json.dumps(controls().get(typology, []))


def document() -> str:
    """The docs page `docs/frameworks.md`, made from the data file."""
    data = json.loads(
        files("graph").joinpath("frameworks.json").read_text(encoding="utf-8")
    )
    lines = [
        "# Framework ids",
        "",
        f"Made from `graph/frameworks.json`, version {data['version']}.",
        "Every id carries its year: numbers move between editions.",
        "",
        "## From the glossary of token theft",
        "",
        "| the glossary says | exact id | cases |",
        "| --- | --- | --- |",
    ]
    lines += [
        f"| {row['says']} | {row['id']} | {', '.join(row['cases'])} |"
        for row in data["glossary"]
    ]
    for typology, entries in data["typologies"].items():
        lines += ["", f"## {typology}", "", "| id | name |", "| --- | --- |"]
        lines += [f"| {entry['id']} | {entry['name']} |" for entry in entries]
    return "\n".join(lines) + "\n"
