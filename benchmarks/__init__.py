"""What the documentation claims, measured. A benchmark is a module of this package with a ``main()``."""
