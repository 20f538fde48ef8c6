"""An app's side: calls the SDKs that it is told of, each with the arguments that it is given.

It is a process of its own, because the SDKs take seconds to import and warn of much. It reads
`[[call, URL, arguments], …]` and prints what the models answered.
"""

import json
import os
import sys
from collections.abc import Callable
from importlib import import_module
from types import MappingProxyType
from typing import Any

KEY = "sk-nobodys"


def openai_chat(url: str, arguments: dict[str, Any]) -> Any:
    client = import_module("openai").OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)
    return client.chat.completions.create(**arguments).choices[0].message.content


def openai_responses(url: str, arguments: dict[str, Any]) -> Any:
    client = import_module("openai").OpenAI(base_url=f"{url}/v1", api_key=KEY, max_retries=0)
    return client.responses.create(**arguments).output_text


def anthropic(url: str, arguments: dict[str, Any]) -> Any:
    client = import_module("anthropic").Anthropic(base_url=url, api_key=KEY, max_retries=0)
    return client.messages.create(**arguments).content[0].text


def litellm(url: str, arguments: dict[str, Any]) -> Any:
    base = url if arguments["model"].startswith("anthropic/") else f"{url}/v1"
    made = import_module("litellm").completion(
        **arguments, api_base=base, api_key=KEY, num_retries=0, timeout=20
    )
    return made.choices[0].message.content


CALLS: MappingProxyType[str, Callable[[str, dict[str, Any]], Any]] = MappingProxyType(
    {
        "openai_chat": openai_chat,
        "openai_responses": openai_responses,
        "anthropic": anthropic,
        "litellm": litellm,
    }
)


def main() -> None:
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # it would fetch prices when imported
    answers = [CALLS[call](url, arguments) for call, url, arguments in json.load(sys.stdin)]
    json.dump(answers, sys.stdout)


if __name__ == "__main__":
    main()
