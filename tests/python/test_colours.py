"""Only terminals get colours, and not when somebody wants none: whichever command writes."""

import os
import pty
import subprocess

import pytest

from conftest import binary, environment

ESCAPE = b"\x1b["
COMMANDS = [
    ["sql", "--data-dir", "missing", "SELECT 1"],
    ["logs", "--data-dir", "missing"],
    ["check", "--data-dir", "missing"],
    ["import", "--data-dir", "data", "missing.jsonl"],
    ["serve", "--config", "missing.toml"],
    ["demo", "--endpoint", "http://127.0.0.1:1"],
]


def told(folder, words, settings):
    """What a command that fails says to a terminal."""
    terminal, stream = pty.openpty()
    try:
        process = subprocess.Popen(
            [binary(), *words],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env={k: v for k, v in environment().items() if k != "NO_COLOR"} | {"TERM": "xterm"} | settings,
        )
        os.close(stream)
        said = b""
        while True:
            try:
                piece = os.read(terminal, 1 << 16)
            except OSError:  # how Linux tells that the other end is closed
                break
            if not piece:
                break
            said += piece
        assert process.wait(60) != 0, said
    finally:
        os.close(terminal)
    assert b"error" in said, said
    return said


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_terminals_get_colours_unless_they_are_unwanted(tmp_path, words):
    assert ESCAPE in told(tmp_path, words, {})
    assert ESCAPE in told(tmp_path, words, {"NO_COLOR": ""})
    assert ESCAPE not in told(tmp_path, words, {"NO_COLOR": "1"})
    assert ESCAPE not in told(tmp_path, [*words, "--no-color"], {})
