"""The queues between the Lambdas: their messages and senders."""
