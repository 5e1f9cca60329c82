"""The pages: a module for each, which reads what the page shows, and does what its forms ask."""
