"""What is held back while processes start."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest

from lavida_gen.processes.signals import Terminated, terminable, uninterrupted_start


@pytest.fixture
def another_thread() -> Iterator[None]:
    """A thread that blocks no signal, as those of numpy's linear algebra."""
    end = threading.Event()
    thread = threading.Thread(target=end.wait)
    thread.start()
    yield
    end.set()
    thread.join()


@pytest.mark.usefixtures("another_thread")
@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)])
def test_a_signal_that_another_thread_takes_waits_for_the_end_of_the_block(
    number: signal.Signals, error: type[KeyboardInterrupt]
) -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    reached = False
    with terminable(), pytest.raises(error) as raised, uninterrupted_start():
        os.kill(os.getpid(), number)
        time.sleep(0.05)  # Python would run the handler here
        reached = True
    assert reached
    assert raised.type is error


def test_handlers_are_as_they_were() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with uninterrupted_start():
        assert signal.getsignal(signal.SIGTERM) is not before[1]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    assert not signal.pthread_sigmask(signal.SIG_BLOCK, ()) & {signal.SIGINT, signal.SIGTERM}
