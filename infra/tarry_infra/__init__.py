"""Tarry's infrastructure: one CDK stack, to deploy as it is or to place in a CDK app of your own."""

from tarry_infra.functions import Capacity
from tarry_infra.stack import TarryStack, Tuning

__all__ = ["Capacity", "TarryStack", "Tuning"]
