"""Tarry's infrastructure: one CDK stack, to deploy as it is or to place in a CDK app of your own."""

try:
    from tarry_infra.functions import Capacity
    from tarry_infra.remote import RemoteApp
    from tarry_infra.stack import TarryStack, Tuning
except ModuleNotFoundError as error:
    from tarry._extras import explained

    raise explained(error) from None

__all__ = ["Capacity", "RemoteApp", "TarryStack", "Tuning"]
