"""OpenFeature: units as flags of type object. Needs `[openfeature]`.

>>> api.set_provider(Provider(client))
>>> api.get_client().get_object_value("support-triage", {})["params"]["temperature"]
"""

from typing import Any, NoReturn

from openfeature.event import ProviderEventDetails
from openfeature.exception import FlagNotFoundError, ProviderNotReadyError, TypeMismatchError
from openfeature.flag_evaluation import FlagResolutionDetails, Reason
from openfeature.provider import AbstractProvider, Metadata

from promptops.client.callbacks import Changed
from promptops.client.client import Client
from promptops.errors import NotReady, UnknownUnit
from promptops.manifest.document import thaw


class Provider(AbstractProvider):
    """A unit's model, params and message templates; the variant is the digest."""

    def __init__(self, client: Client, ready: float = 5.0) -> None:
        super().__init__()
        self._client, self._ready = client, ready
        client.on_change(self._changed)

    def get_metadata(self) -> Metadata:
        return Metadata("promptops")

    def initialize(self, evaluation_context: Any) -> None:  # noqa: ARG002 - theirs to name
        self._client.wait_ready(self._ready)

    def _changed(self, changed: Changed) -> None:
        self.emit_provider_configuration_changed(ProviderEventDetails(list(changed.units)))

    def resolve_object_details(self, flag_key: str, *_: Any, **__: Any) -> Any:
        try:
            live = self._client.get(flag_key)
        except UnknownUnit as error:
            raise FlagNotFoundError(str(error)) from error
        except NotReady as error:
            raise ProviderNotReadyError(str(error)) from error
        messages = [{"role": each.role, "content": each.content} for each in live.messages]
        model = {"provider": live.model.provider, "id": live.model.id}
        value = {"model": model, "params": thaw(live.params), "messages": messages}
        return FlagResolutionDetails(
            value,
            reason=Reason.STATIC,
            variant=live.digest,
            flag_metadata={"unit": live.unit, "revision": live.revision},
        )

    def _no_such_type(self, flag_key: str, *_: Any, **__: Any) -> NoReturn:
        raise TypeMismatchError(f"{flag_key} is a unit: ask for it as an object")

    resolve_boolean_details = resolve_string_details = _no_such_type
    resolve_integer_details = resolve_float_details = _no_such_type
