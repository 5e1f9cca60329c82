"""What ``tarry dev`` and the embedded cloud cost, however many runs wait in them."""
