"""What an event costs the matcher, by how many waits are open on its name."""
