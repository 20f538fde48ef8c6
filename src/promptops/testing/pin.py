"""Pin a unit to a release, for every client in the process."""

import functools
import inspect
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from os import PathLike
from typing import Any, TypeVar

from promptops.client.live import LiveRelease
from promptops.client.overlay import Units, laid_over
from promptops.errors import UsageError
from promptops.testing.given import Given, check_unit_name, compiled

Called = TypeVar("Called", bound=Callable[..., Any])


class Pinned(AbstractContextManager[LiveRelease]):
    """Context manager and decorator, for plain and `async` functions; may be entered again."""

    def __init__(self, live: LiveRelease) -> None:
        self._live = live
        self._entered: list[AbstractContextManager[None]] = []

    def __enter__(self) -> LiveRelease:
        over = laid_over(self._over)
        over.__enter__()
        self._entered.append(over)
        return self._live

    def __exit__(self, *exception: Any) -> None:
        self._entered.pop().__exit__(*exception)

    def __call__(self, function: Called) -> Called:
        if inspect.isclass(function) or inspect.isgeneratorfunction(function):
            raise UsageError(
                f"pinned cannot decorate {function.__name__}, which is no plain function",
                "use `with pinned(…):` inside it",
            )
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                with Pinned(self._live):
                    return await function(*args, **kwargs)

            return awaited  # type: ignore[return-value]

        @functools.wraps(function)
        def called(*args: Any, **kwargs: Any) -> Any:
            with Pinned(self._live):
                return function(*args, **kwargs)

        return called  # type: ignore[return-value]

    def _over(self, units: Units) -> Units:
        return {**units, self._live.unit: self._live}


def pinned(
    unit: str,
    *,
    text: str | None = None,
    file: str | PathLike[str] | None = None,
    release: bytes | Mapping[str, Any] | LiveRelease | None = None,
    environment: str = "",
) -> Pinned:
    """Inside, every client answers `get(unit)` with this release, and other units as before.

    Also a client that was made before, has no store, or is of another environment; of pins of one
    unit the last that was entered counts. `text`, `file` and `release` are those of `Given`, and
    `release` may be what a `get` returned; `environment` chooses a manifest's overlay. Raises
    UsageError, or what reading a release raises.
    """
    check_unit_name(unit)
    if environment and file is None:
        raise UsageError(
            "environment chooses the overlay of a manifest, and no file is named",
            'write file="manifests/UNIT", or leave environment out',
        )
    if isinstance(release, LiveRelease):
        if text is not None or file is not None:
            Given(text, file, b"")  # raises: more than one was given
        if release.unit != unit:
            raise UsageError(f"this is a release of {release.unit}, not of {unit}")
        return Pinned(release)
    return Pinned(compiled(unit, Given(text, file, release).data(unit, environment)))
