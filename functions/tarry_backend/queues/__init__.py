"""The queues between the Lambdas: their messages, and who sends them."""
