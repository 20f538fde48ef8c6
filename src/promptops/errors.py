"""Every error that promptops raises on purpose, with the exit code of each.

    PromptopsError
    ├── CheckFailed         1  a check said no
    ├── InputError          1  a prompt was asked for with inputs that do not fit it
    ├── AnswerError         1  a model's answer does not fit the output schema
    ├── UsageError          2  what was typed or configured cannot be meant
    │   └── UnknownUnit     2  a unit by a name that is not there
    ├── Refused             3  understood, and not done: hold, lost race, older commit, …
    ├── StoreError          4  the store could not answer
    │   ├── StoreUnreachable   no connection, no such file
    │   │   └── StoreDenied        it does not let us: user, password or permission
    │   └── StoreCorrupt       it answered, with content that cannot be right
    │       └── ReleaseRejected  bytes that are not what their digest or format promises
    ├── OutcomeUnknown      5  it may have happened: the answer was lost
    ├── Unconfirmed         5  it happened, and not every client or replica says so, or we could not
    ├── NotReady               the client has no release to serve yet
    └── Stale                  the client's release is older than the app wants to use

A message says what is so, a hint what to type next.
"""

import re

# No path and no URL that anybody has is as long; what somebody pasted by mistake is.
_LONG_WORD = re.compile(r"[^\s',;]{400,}")


def shortened(text: str) -> str:
    """The text, with the beginning alone of words that nobody meant."""
    return _LONG_WORD.sub(lambda found: f"{found[0][:60]}…", text)


class PromptopsError(Exception):
    """Base of all. `message` is one sentence, `hint` the way out (may be empty).

    `code` is a word for scripts, or a code of `promptops explain`; empty where there is none.
    """

    exit_code = 2
    code = ""

    def __init__(self, message: str, hint: str = "", *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code or type(self).code

    def __str__(self) -> str:
        return f"{self.message} ({self.hint})" if self.hint else self.message

    def __reduce__(self) -> tuple[object, ...]:
        # From worker processes errors come pickled. Exceptions do that by calling the class with
        # `args`, and some of ours are made from other arguments than the message.
        return _as_it_was, (type(self), self.args), self.__dict__


def _as_it_was(kind: type[PromptopsError], args: tuple[object, ...]) -> PromptopsError:
    return kind.__new__(kind, *args)


class CheckFailed(PromptopsError):
    """A check said no; the findings were reported already."""

    exit_code = 1


class InputError(PromptopsError):
    """The inputs given do not fit the prompt: one is missing, unknown, or of another type."""

    exit_code = 1


class AnswerError(PromptopsError):
    """A model's answer does not fit: `path` says where in it, `reason` what is so there.

    Neither repeats what the answer says, so both can be logged; `path` has its keys.
    """

    exit_code = 1

    def __init__(
        self, message: str, hint: str = "", *, path: tuple[str | int, ...] = (), reason: str = ""
    ) -> None:
        super().__init__(message, hint)
        self.path = path
        self.reason = reason


class UsageError(PromptopsError):
    """What was typed or configured cannot be meant."""

    exit_code = 2

    def __init__(self, message: str, hint: str = "", *, code: str = "") -> None:
        super().__init__(shortened(message), shortened(hint), code=code)


class UnknownUnit(UsageError):
    """No unit of that name is there."""


class Refused(PromptopsError):
    """Understood and not done; nothing was changed."""

    exit_code = 3

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint, code=code)


class StoreError(PromptopsError):
    """The store could not answer."""

    exit_code = 4


class StoreUnreachable(StoreError):
    """No connection, no permission or no such file."""


class StoreDenied(StoreUnreachable):
    """The store knows no such user or password, or does not permit that to this user."""


class StoreCorrupt(StoreError):
    """The store answered with content that cannot be right; nothing was changed."""


class ReleaseRejected(StoreCorrupt):
    """A release that is not what its digest or format promises, or not what an app can use.

    `code` is C601 to C606, or C610.
    """

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint, code=code)


class OutcomeUnknown(PromptopsError):
    """The request was sent and its answer was lost: it may or may not have happened."""

    exit_code = 5
    code = "unknown"


class Unconfirmed(PromptopsError):
    """The deployment happened; not every present client or replica that was asked for confirmed it,
    or it could not be told.
    """

    exit_code = 5
    code = "unconfirmed"


class NotReady(PromptopsError):
    """The client has nothing to serve yet; the message lists what was tried."""

    exit_code = 4


class Stale(PromptopsError):
    """What the client could serve was confirmed too long ago for the one who asks."""

    exit_code = 4
