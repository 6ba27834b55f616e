"""The command line: results on standard output or in files, progress on standard error.

Exit status 0: done; 1: the work could not be done, with one line that says what and
how to mend it; 2: wrong usage. Rooms are imported inside the commands, so that
`ringfence --help` answers at once.
"""

from __future__ import annotations

import sys

import typer

from commands import asking, exporting, flow, keeping, serving
from commands.faults import explain, stoppable
from commands.options import before, say
from ingest.errors import UsageError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    # Plain help: drawing frames takes longer than everything else about it.
    rich_markup_mode=None,
    help="Find, explain and stop LLM token theft.",
)
app.callback()(before)
for command in (
    flow.ingest,
    flow.detect,
    flow.publish,
    exporting.export,
    flow.run,
    serving.webhook,
    asking.query,
    asking.evaluate,
    asking.replay,
    asking.policy,
    serving.ui,
    serving.demo,
    keeping.check,
    keeping.backup,
    keeping.restore,
    keeping.forget,
    keeping.retain,
):
    app.command()(stoppable(command))
app.add_typer(serving.neo4j, name="neo4j")
app.add_typer(keeping.pepper, name="pepper")
app.add_typer(keeping.reference, name="reference")


def main() -> None:
    """Entry point of the `ringfence` command."""
    try:
        app()
    except UsageError as error:
        say(f"ringfence: {error}")
        sys.exit(2)
    except Exception as error:
        told = explain(error)
        if told is None:
            raise
        say(f"ringfence: {told}")
        sys.exit(1)


if __name__ == "__main__":
    main()
