"""The HTTP API, and the documents that it and the commands answer with."""
