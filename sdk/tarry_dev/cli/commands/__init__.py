"""The commands as typer reads them: a file for each, with its options and its help. What it does is elsewhere."""
