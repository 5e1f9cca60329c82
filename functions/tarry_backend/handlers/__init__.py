"""The entry points of the Lambdas. Each module ends with ``prepare``, or with the initialisation's ``end``."""

from tarry_backend import initialisation

initialisation.begin()
