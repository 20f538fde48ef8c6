"""Where a store is: the forms of a URL, what is wrong with others, and never a password."""

import traceback
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from promptops.errors import UsageError
from promptops.live.address import Address, parse_address

FORMS = {
    "sqlite:///promptops.db": Address("sqlite", path="promptops.db"),
    "sqlite:///.promptops/store.db": Address("sqlite", path=".promptops/store.db"),
    "sqlite:////var/lib/store.db": Address("sqlite", path="/var/lib/store.db"),
    "sqlite:///with%20space%23.db": Address("sqlite", path="with space#.db"),
    "redis://localhost": Address("redis", host="localhost"),
    "redis://localhost/": Address("redis", host="localhost"),
    " redis://localhost:6380/3\n": Address("redis", host="localhost", port=6380, db=3),
    "redis://h?db=4": Address("redis", host="h", db=4),
    "redis://h/1?db=4": Address("redis", host="h", db=4),
    "redis://h/1?db=": Address("redis", host="h", db=1),
    "redis://h?ns=team-a.prompts_1": Address("redis", host="h", namespace="team-a.prompts_1"),
    "redis://[::1]:6380/1": Address("redis", host="::1", port=6380, db=1),
    "redis://:secret@h": Address("redis", host="h", password="secret"),
    "redis://ann@h": Address("redis", host="h", username="ann"),
    "redis://ann:@h": Address("redis", host="h", username="ann"),
    "redis://ann:secret@h": Address("redis", host="h", username="ann", password="secret"),
    "redis://a%40b:p%2Fw%3A%23@h": Address("redis", host="h", username="a@b", password="p/w:#"),
    "REDIS://H": Address("redis", host="h"),
    "rediss://h:6380?ca=/etc/ca.pem&cert=/c.pem&key=/k.pem": Address(
        "rediss", host="h", port=6380, ca="/etc/ca.pem", cert="/c.pem", key="/k.pem"
    ),
    "redis+sentinel://a,b:1,[::1]:2/main": Address(
        "redis+sentinel", path="main", seeds=(("a", 26379), ("b", 1), ("::1", 2))
    ),
    "redis+sentinel://a/main/3?ns=x": Address(
        "redis+sentinel", path="main", db=3, namespace="x", seeds=(("a", 26379),)
    ),
    "rediss+sentinel://ann:p%2Cw%40@a,b/main?sentinel_user=s&sentinel_password=t%2Bu": Address(
        "rediss+sentinel",
        path="main",
        seeds=(("a", 26379), ("b", 26379)),
        username="ann",
        password="p,w@",
        sentinel_username="s",
        sentinel_password="t+u",
    ),
    "redis+cluster://:secret@a:7000,[::1]:7001?ns=x": Address(
        "redis+cluster", seeds=(("a", 7000), ("::1", 7001)), password="secret", namespace="x"
    ),
    "rediss+cluster://a/0?ca=/ca.pem": Address(
        "rediss+cluster", seeds=(("a", 6379),), ca="/ca.pem"
    ),
    "unix:///run/redis.sock": Address("unix", path="/run/redis.sock"),
    "unix:///run/my%20redis.sock?db=2&ns=x": Address(
        "unix", path="/run/my redis.sock", db=2, namespace="x"
    ),
    "unix://ann:secret@/run/redis.sock": Address(
        "unix", path="/run/redis.sock", username="ann", password="secret"
    ),
}


@pytest.mark.parametrize("text", list(FORMS))
def test_a_url_says_where_the_store_is(text: str) -> None:
    assert parse_address(text) == FORMS[text]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("sqlite:///store.db", "sqlite:///store.db"),
        ("sqlite:////var/store.db", "sqlite:////var/store.db"),
        ("redis://localhost", "redis://localhost:6379/0"),
        ("redis://ann:secret@h:1/2?ns=x", "redis://***@h:1/2"),
        ("redis://:secret@h", "redis://***@h:6379/0"),
        ("redis://ann@h", "redis://***@h:6379/0"),
        ("rediss://:secret@[fe80::1]:7/1", "rediss://***@[fe80::1]:7/1"),
        ("unix://:secret@/run/s?db=3", "unix://***@/run/s?db=3"),
        ("unix:///run/s", "unix:///run/s?db=0"),
        (
            "redis+sentinel://ann:secret@a,[::1]:2/main?sentinel_password=secret",
            "redis+sentinel://***@a:26379,[::1]:2/main/0",
        ),
        ("rediss+cluster://:secret@a:1,b:2", "rediss+cluster://***@a:1,b:2"),
    ],
)
def test_an_address_is_shown_without_user_and_password(text: str, shown: str) -> None:
    assert str(parse_address(text)) == shown


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the store URL names no kind of store that promptops knows"),
        ("promptops.db", "the store URL names no kind of store that promptops knows"),
        ("/var/store.db", "the store URL names no kind of store that promptops knows"),
        ("localhost:6379", "the store URL names no kind of store that promptops knows"),
        ("http://localhost", "the store URL names no kind of store that promptops knows"),
        ("sqlite://store.db", "a sqlite store needs the path of a file"),
        ("sqlite:store.db", "a sqlite store needs the path of a file"),
        ("sqlite://", "a sqlite store needs the path of a file"),
        ("sqlite:///", "a sqlite store needs the path of a file"),
        ("sqlite:////", "a sqlite store needs the path of a file"),
        ("sqlite:///folder/", "a sqlite store needs the path of a file"),
        ("sqlite:///store.db?ns=x", "a sqlite store needs the path of a file"),
        ("redis://", "the store URL names no host"),
        ("redis:///0", "the store URL names no host"),
        ("redis://:secret@", "the store URL names no host"),
        ("redis://:6379", "the store URL names no host"),
        ("redis://a..b", "the store URL names a host that cannot be"),
        (f"redis://{'x' * 64}.org", "the store URL names a host that cannot be"),
        ("redis://h:port", "the store URL cannot be read"),
        ("redis://h:70000", "the store URL cannot be read"),
        ("redis://h:0", "the store URL cannot be read"),
        ("redis://[::1", "the store URL cannot be read"),
        ("redis://h/one", "the store URL names a database that is not a number"),
        ("redis://h/1/2", "the store URL names a database that is not a number"),
        ("redis://h/-1", "the store URL names a database that is not a number"),
        ("redis://h/123456", "the store URL names a database that is not a number"),
        ("redis://h?db=٣", "the store URL names a database that is not a number"),
        ("redis://h?timeout=3", "the store URL has an option that is not known"),
        ("redis://h?ns=", "the store URL has an unusable namespace"),
        ("redis://h?ns=a:b", "the store URL has an unusable namespace"),
        ("redis://h?ns=a%7Db", "the store URL has an unusable namespace"),
        ("redis://h?ns=a%0A", "the store URL has an unusable namespace"),
        ("redis://h#x", "the store URL has a '#'"),
        ("redis://h#", "the store URL has a '#'"),
        ("redis://ann:se#cret@h", "the store URL has a '#'"),
        ("unix://run/redis.sock", "a unix:// store needs the absolute path of a socket"),
        ("unix://", "a unix:// store needs the absolute path of a socket"),
        ("unix:///run/s?db=x", "the store URL names a database that is not a number"),
        ("redis+sentinel://a", "a redis+sentinel:// store needs the name of its primary"),
        ("redis+sentinel://a/0/main", "the store URL names a database that is not a number"),
        ("redis+sentinel://a,/main", "the store URL names no host"),
        ("redis+sentinel:///main", "the store URL names no host"),
        ("redis+sentinel://a:b/main", "the store URL cannot be read"),
        ("redis+sentinel://a:0,b/main", "the store URL cannot be read"),
        ("redis+cluster://", "the store URL names no host"),
        ("redis+cluster://a:1,b:x", "the store URL cannot be read"),
        ("redis+cluster://a/1", "a cluster has database 0 and no other"),
        ("redis+cluster://a?db=1", "a cluster has database 0 and no other"),
        ("redis+cluster://a?sentinel_user=s", "the store URL has an option that is not known"),
    ],
)
def test_a_url_that_cannot_be_meant_is_said_with_the_way_out(text: str, message: str) -> None:
    with pytest.raises(UsageError) as wrong:
        parse_address(text)
    assert wrong.value.message == message
    assert wrong.value.hint
    assert wrong.value.exit_code == 2


def test_the_forms_are_named_to_who_typed_none_of_them() -> None:
    with pytest.raises(UsageError) as wrong:
        parse_address("http://localhost")
    assert wrong.value.hint == (
        "use sqlite:///relative.db, sqlite:////absolute.db, "
        "redis://[user:password@]host:port/db, rediss://…, "
        "unix://[user:password@]/path/to.sock?db=0, "
        "redis+sentinel://[user:password@]host:port,host:port/primary/db or "
        "redis+cluster://[user:password@]host:port,host:port"
    )


def test_a_relative_file_starts_at_a_folder() -> None:
    assert parse_address("sqlite:///a.db").relative_to("/work").path == "/work/a.db"
    assert parse_address("sqlite:////a.db").relative_to("/work").path == "/a.db"
    redis = parse_address("redis://h")
    assert redis.relative_to("/work") is redis


SECRETS = ["Secret123", "p@ss:w/rd", "a?b&c=d", "[x]", "tab\there", "ünïcödé-geheim", "50%2fOFF"]


def carrying(secret: str) -> Iterator[str]:
    """URLs with the secret in them, raw and percent-encoded, most of them broken somewhere."""
    for word in (secret, quote(secret, safe="")):
        for scheme in ("redis", "rediss", "unix", "http", "redis+sentinel", "redis+cluster", ""):
            for user in ("", "ann"):
                yield f"{scheme}://{user}:{word}@h"
                yield f"{scheme}://{user}:{word}@h:port"
                yield f"{scheme}://{user}:{word}@h:6379/0?nonsense=1"
                yield f"{scheme}://{user}:{word}@h/x"
                yield f"{scheme}://{user}:{word}@/run/redis.sock"
                yield f"{scheme}://{user}:{word}@/run/redis.sock?db=x"
                yield f"{scheme}://{user}:{word}@[::1"
                yield f"{scheme}://{user}:{word}@"
                yield f"{scheme}://{user}:{word}@h#1"
                yield f"{scheme}://{user}:{word}@h?ns=no:no"
                yield f"{scheme}://{user}:{word}@a..b"
        yield f"redis+sentinel://ann:{word}@a,b/main"
        yield f"redis+sentinel://a,b/main?sentinel_user={word}&sentinel_password={word}"
        yield f"redis+sentinel://a,b/main?sentinel_password={word}&no=1"
        yield f"redis+cluster://ann:{word}@a:1,b:x"
        yield f"redis:/{word}@h"
        yield f"sqlite://{word}@h/x.db"
        yield f"redis://h?password={word}"
        yield f"redis://h?{word}=1"
        yield f"redis://h?ns={word}:{word}"
        yield f"redis://h/{word}"


@pytest.mark.parametrize("secret", SECRETS)
def test_no_url_with_a_secret_in_it_ever_shows_it(secret: str) -> None:
    for url in carrying(secret):
        try:
            address = parse_address(url)
        except UsageError as error:
            shown = "".join(traceback.format_exception(error)) + str(error) + repr(error)
        else:
            if secret in address.host + address.path + str(address.seeds):
                continue  # a misplaced @ made it a host or a path, which is shown on purpose
            shown = f"{address} {address!r}"
        # Half of it would be too much as well.
        for part in {secret, quote(secret, safe=""), secret[:5], secret[-5:]} - {"[x]"}:
            assert part not in shown, url


def test_a_store_in_memory_has_a_name_and_no_more() -> None:
    assert str(parse_address("memory:my-test")) == "memory:my-test"
    assert parse_address("memory:").path == ""
    for wrong in ("memory://my-test", "memory:/my-test", "memory:my test", "memory:x?db=1"):
        with pytest.raises(UsageError, match="a memory store has a name and no more"):
            parse_address(wrong)
