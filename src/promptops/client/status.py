"""What a client says of itself to its app."""

from dataclasses import dataclass

from promptops.client.accept import Refusal
from promptops.client.state import State
from promptops.live.records import Retired


@dataclass(frozen=True, slots=True)
class Status:
    """How a client is; the states are told in `promptops.client.state.Verdict`.

    `source` is store, disk or bundle, empty before anything was read; `store` is its address.
    `age` is the time in seconds since the store last confirmed what is served. `errors` counts
    polls without an accepted answer, `rejected` what was refused, `restarts` threads that died or
    could not be started. `refused` has the units of which something else is live than is served,
    `pins` those that an operator keeps at a digest, `retired` those that nobody serves any more.
    """

    environment: str
    state: State
    reason: str
    code: str
    source: str
    store: str
    epoch: int | None
    revision: int | None
    age: float | None
    last_error: str
    errors: int
    rejected: int
    restarts: int
    unknown_inputs: int
    units: dict[str, str]
    refused: dict[str, Refusal]
    pins: dict[str, str]
    retired: dict[str, Retired]
