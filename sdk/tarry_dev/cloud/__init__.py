"""The embedded cloud: the deployed handlers on moto, in one process. For tests, the demo and ``tarry dev``."""

try:
    from tarry_dev.cloud.ahead_clock import AheadClock
    from tarry_dev.cloud.chaos import Chaos
    from tarry_dev.cloud.clock import Clock, MovedClock, RealClock
    from tarry_dev.cloud.cloud import Cloud
    from tarry_dev.cloud.crash import Call, Crash
    from tarry_dev.cloud.host import Host
    from tarry_dev.cloud.message import Delivery, Message
    from tarry_dev.cloud.pump import EndlessError
    from tarry_dev.cloud.queue import LocalQueue
    from tarry_dev.cloud.runs import HostedRun, HostedStep, NoResultError
except ModuleNotFoundError as error:
    from tarry._extras import explained

    raise explained(error) from None

__all__ = [
    "AheadClock",
    "Call",
    "Chaos",
    "Clock",
    "Cloud",
    "Crash",
    "Delivery",
    "EndlessError",
    "Host",
    "HostedRun",
    "HostedStep",
    "LocalQueue",
    "Message",
    "MovedClock",
    "NoResultError",
    "RealClock",
]
