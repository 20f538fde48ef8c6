"""Which parameters of a manifest each provider's call knows: the one table.

`validate` warns of the others, and the client leaves them out of a request: an SDK raises for a
keyword that its call does not have. What the SDKs take is tested with the SDKs.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

PARAMETERS = frozenset(
    [
        "extra_body",
        "frequency_penalty",
        "max_completion_tokens",
        "max_tokens",
        "presence_penalty",
        "reasoning_effort",
        "seed",
        "stop",
        "temperature",
        "top_k",
        "top_p",
    ]
)
RESPONSES = PARAMETERS - {"frequency_penalty", "presence_penalty", "seed", "stop", "top_k"}

# Of a provider that is not listed nothing is known, and everything is sent.
BY_PROVIDER: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "openai": PARAMETERS - {"top_k"},
        "azure": PARAMETERS - {"top_k"},
        "anthropic": PARAMETERS - {"frequency_penalty", "presence_penalty", "seed"},
    }
)


def unknown_to(provider: str, names: Iterable[str]) -> list[str]:
    """Those of the manifest's parameters for which the provider's call has no place."""
    known = BY_PROVIDER.get(provider, PARAMETERS)
    return [name for name in names if name in PARAMETERS and name not in known]
