"""The matcher: it sends each event to what it starts and resumes."""
