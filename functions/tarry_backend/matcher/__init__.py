"""The matcher: each event to what it starts and what it resumes."""
