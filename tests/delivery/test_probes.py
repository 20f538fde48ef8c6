"""Probes against a real server and real processes: what they find, and that they always end."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest

from promptops.delivery.asking import MOST_BYTES
from promptops.delivery.probes import Probed, is_served, look_at_models, probe
from promptops.source.rehearsal import (
    CommandProbe,
    Condition,
    HttpProbe,
    ModelList,
    Probe,
    Rehearsal,
)
from tests.delivery.answering import Say, dripping, http, port_of_nobody, server, well

COLLECTION = {"result": {"points_count": 1200, "status": "green", "vectors": [{"size": 768}]}}
SLOW = 0.4


def asked(
    how: Probe, index: str = "kb", version: str = "2026-11-01", *, env: Mapping[str, str] = {}
) -> Probed:
    return probe(Rehearsal(probes=MappingProxyType({"*": how})), index, version, Path.cwd(), env)


def answered(say: Say, *conditions: Condition, status: int = 200) -> Probed:
    with server(say) as heard:
        how = HttpProbe(f"{heard.url}/{{index}}", (), None, status, conditions, SLOW)
        found = asked(Probe(how))
        return Probed(found.state, found.message.replace(heard.url, "HOST"), found.seconds)


def commanded(*words: str, timeout: float = 10, version: str = "2026-11-01") -> Probed:
    return asked(Probe(command=CommandProbe(words, timeout)), version=version)


def test_without_a_probe_nothing_is_known() -> None:
    found = probe(Rehearsal(), "kb", "2026-11-01", Path.cwd(), {})
    assert (found.state, found.message) == ("unknown", "no probe is configured for the index kb")


def test_a_probe_of_the_index_goes_before_that_of_all_others(tmp_path: Path) -> None:
    probes = {
        "*": Probe(command=CommandProbe(("echo", "all others"))),
        "kb": Probe(command=CommandProbe(("echo", "{index} {version}"))),
    }
    rehearsal = Rehearsal(probes=MappingProxyType(probes))
    assert probe(rehearsal, "kb", "v1", tmp_path, {}).message == "kb v1"
    assert probe(rehearsal, "docs", "v1", tmp_path, {}).message == "all others"


def test_an_index_that_holds_what_it_must_passes() -> None:
    found = answered(
        well(COLLECTION),
        Condition("/result/points_count", at_least=1000),
        Condition("/result/vectors/0/size", equals=768),
        Condition("/result/status", equals="green"),
    )
    assert (found.state, found.message) == ("ok", "HOST/kb: as expected")
    assert 0 < found.seconds < SLOW


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (
            Condition("/result/points_count", at_least=2000),
            "/result/points_count is 1200; it must be at least 2,000",
        ),
        (
            Condition("/result/vectors/0/size", equals=1536),
            "/result/vectors/0/size is 768; it must be 1536",
        ),
        (
            Condition("/result/status", at_least=1),
            '/result/status is "green"; it must be at least 1',
        ),
        (Condition("/result/vectors/1/size", equals=768), "the answer has no /result/vectors/1"),
        (Condition("/result/vectors/00/size", equals=768), "the answer has no /result/vectors/00"),
        (Condition("/points", at_least=0), "the answer has no /points"),
        (Condition("/result/status/x", equals=1), "the answer has no /result/status/x"),
    ],
)
def test_what_an_index_lacks_is_named(condition: Condition, said: str) -> None:
    found = answered(well(COLLECTION), condition)
    assert found.state == "failed"
    assert found.message.startswith(f"HOST/kb: {said}")


def test_true_is_no_one_and_a_tilde_is_written_as_rfc_6901_says() -> None:
    assert answered(well({"a": True}), Condition("/a", equals=1)).state == "failed"
    assert answered(well({"a/b": {"c~d": 1}}), Condition("/a~1b/c~0d", equals=1.0)).state == "ok"
    assert answered(well({"a": False}), Condition("/a", equals=False)).state == "ok"
    assert answered(well({"a": 0}), Condition("/a", at_least=0)).state == "ok"


@pytest.mark.parametrize("body", ["", "{", "<html>", '{"a": Infinity}', "[" * 100_000])
def test_an_answer_that_is_not_json_fails(body: str) -> None:
    found = answered(lambda _: [http(body)], Condition("/a", at_least=1))
    assert (found.state, found.message) == ("failed", "HOST/kb: the answer is not JSON")


def test_the_status_must_be_the_expected_one() -> None:
    gone = lambda _: [http("{}", "404 Not Found")]  # noqa: E731
    found = answered(gone)
    assert found.message == "HOST/kb: the answer has status 404; expected is 200"
    assert (found.state, answered(gone, status=404).state) == ("failed", "ok")


def test_what_is_filled_in_cannot_leave_its_place_in_the_url() -> None:
    with server(well({})) as heard:
        how = HttpProbe(f"{heard.url}/c/{{index}}-{{version}}?v={{version}}")
        assert asked(Probe(how), "kb", "../{index}?a=b c\r\nX: é").state == "ok"
    encoded = "..%2F%7Bindex%7D%3Fa%3Db%20c%0D%0AX%3A%20%C3%A9"
    assert heard.requests[0].startswith(f"GET /c/kb-{encoded}?v={encoded} HTTP/1.1\r\n")


def test_a_key_comes_from_the_environment_and_shows_nowhere() -> None:
    with server(lambda _: [http("{}", "401 Unauthorized")]) as heard:
        how = Probe(HttpProbe(heard.url, (("Api-Key", "ApiKey ${KB_KEY}"),), {"limit": 1}))
        found = asked(how, env={"KB_KEY": "s3cret"})
        unset = asked(how)
        broken = asked(how, env={"KB_KEY": "s3cret\r\nX: y"})
    assert "Api-Key: ApiKey s3cret\r\n" in heard.requests[0]
    assert heard.requests[0].startswith("POST / ")
    assert len(heard.requests) == 1
    assert (found.state, unset.state, broken.state) == ("failed", "unknown", "failed")
    assert "KB_KEY is not set" in unset.message
    assert "s3cret" not in found.message + unset.message + broken.message


@pytest.mark.parametrize(
    "say",
    [
        dripping(http("x" * 1000)),
        dripping(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100),
        dripping(b"x", pause=5),
    ],
    ids=["dripping", "dripping heads", "silent"],
)
def test_a_slow_server_is_not_waited_for(say: Say) -> None:
    started = time.monotonic()
    found = answered(say)
    assert time.monotonic() - started < 2 * SLOW
    assert (found.state, found.message) == ("failed", "HOST/kb: no whole answer within 0.4 s")


def test_a_huge_answer_is_not_kept() -> None:
    endless = [b"HTTP/1.1 200 OK\r\n\r\n", *([b"x" * (1 << 20)] * 20)]
    with server(lambda _: endless) as heard:
        found = asked(Probe(HttpProbe(heard.url, timeout=10)))
    assert found.state == "failed"
    assert found.message.endswith(f"the answer has more than {MOST_BYTES:,} bytes")


def test_a_redirect_is_followed_on_the_same_host_only() -> None:
    def moved(line: str) -> list[bytes]:
        there = "/new" in line
        return [http("{}") if there else http("", "302 Found", "Location: /new")]

    assert answered(moved).state == "ok"
    with server(well({})) as other:
        elsewhere = [http("", "302 Found", f"Location: {other.url}/x")]
        found = answered(lambda _: elsewhere)
        assert other.requests == []
    assert found.state == "failed"
    host = other.url.removeprefix("http://")
    assert f"status 302, to {host}, which is not followed" in found.message
    circle = answered(lambda _: [http("", "302 Found", "Location: /kb")])
    assert circle.state == "failed"


def test_nobody_at_the_port_fails_with_the_reason() -> None:
    found = asked(Probe(HttpProbe(f"http://127.0.0.1:{port_of_nobody()}/")))
    assert found.state == "failed"
    assert "refused" in found.message


@pytest.mark.parametrize("data", [b"", b"SSH-2.0-x\r\n", http("xx")[:-1], b"\0" * 70_000])
def test_what_is_no_http_fails(data: bytes) -> None:
    assert answered(lambda _: [data]).state == "failed"


def test_a_command_passes_with_exit_code_0_and_says_its_last_line() -> None:
    found = commanded(
        sys.executable, "-c", "print('a line')\nprint('1200 documents\\x1b[31m')\nprint()"
    )
    assert (found.state, found.message) == ("ok", "1200 documents [31m")
    assert commanded("true").message == "true ended with exit code 0"


def test_a_command_that_fails_says_why() -> None:
    failed = commanded(sys.executable, "-c", "import sys; sys.exit('no such index')")
    assert (failed.state, failed.message) == ("failed", "no such index")
    assert commanded("false").message == "false ended with exit code 1"
    assert commanded("no-such-program").message == (
        "no-such-program cannot be run: No such file or directory"
    )
    assert commanded("echo", "{version}", version="a\0b").state == "failed"


def test_a_command_goes_through_no_shell() -> None:
    found = commanded("echo", "{index}:{version}", version="$(id) `id`; {index} $HOME")
    assert found.message == "kb:$(id) `id`; {index} $HOME"


def test_a_command_that_does_not_end_is_stopped_with_all_that_it_started(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    started = time.monotonic()
    found = commanded("sh", "-c", f"sleep 60 & echo $! > {pid}; sleep 60", timeout=SLOW)
    assert time.monotonic() - started < 3
    assert (found.state, found.message) == ("failed", "sh did not end within 0.4 s")
    _is_gone(int(pid.read_text()))


def test_a_child_that_holds_the_output_open_is_not_waited_for(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    started = time.monotonic()
    found = commanded("sh", "-c", f"sleep 60 & echo $! > {pid}; echo here")
    assert time.monotonic() - started < 3
    assert (found.state, found.message) == ("ok", "here")
    _is_gone(int(pid.read_text()))


def test_a_command_that_says_far_too_much_is_heard_to_its_end() -> None:
    found = commanded(sys.executable, "-c", "print('x' * 10_000_000)\nprint('the end')")
    assert (found.state, found.message) == ("ok", "the end")
    endless = commanded("yes", "y" * 1000, timeout=SLOW)
    assert (endless.state, endless.message) == ("failed", "yes did not end within 0.4 s")


def test_where_there_are_both_both_must_pass() -> None:
    with server(well({})) as heard:
        http_probe = HttpProbe(heard.url)
        found = asked(Probe(http_probe, CommandProbe(("false",))))
        assert (found.state, found.message) == ("failed", "false ended with exit code 1")
        found = asked(Probe(http_probe, CommandProbe(("echo", "three hits"))))
        assert (found.state, found.message) == ("ok", f"{heard.url}: as expected; three hits")


def test_a_list_of_models_says_what_is_served() -> None:
    with server(well({"object": "list", "data": [{"id": "gpt-a"}, {"id": "gpt-b"}, 5]})) as heard:
        served = look_at_models(ModelList(heard.url, "${KEY}"), {"KEY": "sk-1"})
    assert "Authorization: Bearer sk-1\r\n" in heard.requests[0]
    assert is_served(served, "openai", "gpt-a").state == "ok"
    gone = is_served(served, "openai", "gpt-c")
    assert (gone.state, gone.message) == ("failed", "openai lists 2 models, and gpt-c is none")
    other = is_served(served, "anthropic", "claude")
    assert (other.state, other.message) == (
        "unknown",
        "no list of models is configured for anthropic",
    )


def test_a_list_of_which_there_is_more_rules_nothing_out() -> None:
    with server(well({"data": [{"id": "gpt-a"}], "has_more": True})) as heard:
        served = look_at_models(ModelList(heard.url), {})
    assert is_served(served, "openai", "gpt-a").state == "ok"
    assert is_served(served, "openai", "gpt-b").state == "unknown"


@pytest.mark.parametrize(
    ("say", "said"),
    [
        (lambda _: [http("{}", "401 Unauthorized")], "status 401"),
        (lambda _: [http("{")], "not JSON"),
        (well([]), "no list of models"),
        (well({"data": {}}), "no list of models"),
        (lambda _: [b"HTTP/1.1 200 OK\r\n\r\n", *([b" " * (1 << 20)] * 6)], "more than"),
    ],
)
def test_a_list_that_cannot_be_read_is_unknown(say: Say, said: str) -> None:
    with server(say) as heard:
        found = is_served(look_at_models(ModelList(heard.url), {}), "openai", "gpt-a")
    assert found.state == "unknown"
    assert said in found.message


def test_without_its_key_the_list_is_not_asked() -> None:
    with server(well({"data": []})) as heard:
        served = look_at_models(ModelList(heard.url, "${OPENAI_API_KEY}"), {})
    found = is_served(served, "openai", "gpt-a")
    assert (found.state, heard.requests) == ("unknown", [])
    assert "OPENAI_API_KEY is not set" in found.message


def _is_gone(pid: int) -> None:
    deadline = time.monotonic() + 2
    while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        if state == "Z":
            return
        time.sleep(0.02)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
