"""``python -m tarry_dev.cli``, where the command itself is not on the path."""

from tarry_dev.cli import main

main()
