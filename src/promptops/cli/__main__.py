"""Where the process begins, also as `promptops`: it answers signals before it imports the rest."""

from promptops.cli import signals

signals.end_at_once()

from promptops.cli.main import main  # noqa: E402 - it takes a tenth of a second

if __name__ == "__main__":
    main()
