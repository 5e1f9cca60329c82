"""The entry points of the Lambdas."""
