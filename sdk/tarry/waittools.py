"""The step tools that wait, of an ``async def`` function: see ``tarry.step``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, overload

from tarry._engine.operations import WaitForSignal
from tarry._engine.step_call import awaited
from tarry.eventwaits import EventWaits

if TYPE_CHECKING:
    from tarry.durations import Timeout

__all__ = ["WaitTools"]

T = TypeVar("T")


class WaitTools(EventWaits):
    """The tools that wait for events and signals."""

    @overload
    async def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        type: None = None,
    ) -> Any: ...
    @overload
    async def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        type: type[T],
    ) -> T | None: ...
    @overload
    async def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        type: Any,
    ) -> Any: ...
    @awaited
    async def wait_for_signal(
        self,
        step_id: str,
        *,
        signal: str,
        timeout: Timeout,  # noqa: ASYNC109 - a stored deadline, not the event loop's
        type: Any = None,  # noqa: A002 - as in dataclasses and attrs: the type of the data
    ) -> Any:
        """Wait for a signal from ``app.send_signal``; return its data, or ``None`` at the deadline.

        Only one step of the whole app may wait for a name at a time. A second one fails its run with a ``UsageError``
        that names the first. A kept signal (``keep=``) is returned at once. A signal that was delivered is never lost
        to the deadline: whichever reached the mailbox first counts. A signal without data gives ``{}``.

        Args:
            signal: A name that you choose, such as ``f"approval/{order_id}"``; 1 to 512 bytes.
            timeout: How long to wait, as for ``wait_for_event``.
            type: The type of the data, such as a dataclass. Without it, the data are JSON.

        Raises:
            StepDataError: The data do not fit ``type``. The wait has ended; you may catch it.
        """
        wait = WaitForSignal(step_id, signal, timeout, type)
        return wait.result(await self._engine.perform(wait))
