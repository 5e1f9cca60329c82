"""What the commands offer to choose from is what there is: they repeat it, since to load it takes long."""

from tarry_backend.deploy.topology import QUEUES
from tarry_backend.model.run import RunStatus
from tarry_dev.cli.commands.dlq import QueueName
from tarry_dev.cli.commands.runs import RunStatus as StatusChoice


def test_each_status_of_a_run_can_be_asked_for() -> None:
    assert [status.value for status in StatusChoice] == [status.value for status in RunStatus]


def test_each_queue_can_be_redriven() -> None:
    assert [name.value for name in QueueName] == [queue.name for queue in QUEUES]
