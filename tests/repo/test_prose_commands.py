"""Prose is tested: every command, option and make target that it tells to run is accepted.

Looked at are the code spans of pages, docstrings, comments and error messages' hints, which people
also follow, and the shell lines of pages. What is accepted is read from the click command tree, so
there is no list of commands here. Words in capitals (`batuta COMMAND --help`) stand for something
of the reader's.
"""

import re
import shlex
from pathlib import PurePosixPath

import click
import pytest
from click.testing import CliRunner

import batuta.cli

PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9_-]*(\.\.\.)?$|\.\.\.$|…$|[<\[{]")


def program_under_test():
    """Give the root of the click command tree, or None while there is no command line yet."""
    return getattr(batuta.cli, "main", None)


def command_words(line):
    """Yield each command of a shell line as its words, without variables and redirections."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.commenters = "#"
        tokens = list(lexer)
    except ValueError:  # an apostrophe of prose: no command line
        return
    words = []
    for token in [*tokens, ";"]:
        if set(token) <= set("();<>|&"):
            if words:
                yield words
            words = []
        elif words or not re.match(r"[A-Z_]+=", token):
            words.append(token)


def option_problem(command, word):
    """Give (problem or None, how many words of value follow) for an option of a command."""
    name, given, _ = word.partition("=")
    parameters = command.get_params(click.Context(command))
    for parameter in parameters:
        if name in [*parameter.opts, *parameter.secondary_opts]:
            is_flag = getattr(parameter, "is_flag", False) or getattr(parameter, "count", False)
            return None, 0 if is_flag or given else parameter.nargs
    return f"`{command.name}` has no option {name}", 0


def command_problems(words, command):
    """What the click command tree does not know in `words`, the first being the program itself."""
    problems, skip = [], 0
    for word in words[1:]:
        if skip:
            skip -= 1
        elif word == "--" or PLACEHOLDER.match(word):
            break
        elif word.startswith("-") and len(word) > 1:
            problem, skip = option_problem(command, word)
            problems += [problem] if problem else []
        elif isinstance(command, click.Group):
            found = command.get_command(click.Context(command), word)
            if found is None:
                return [*problems, f"`{command.name}` has no command {word}"]
            command = found
    return problems


def every_command(command, words=()):
    """Yield the words of every command of a tree, the root's own (none) first."""
    yield words
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            yield from every_command(command.get_command(context, name), (*words, name))


@pytest.fixture(scope="module")
def targets(root):
    """The targets of the Makefile."""
    text = (root / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z][a-z-]*):", text, re.MULTILINE))


def test_every_make_target_that_prose_names_exists(prose, targets):
    named = {
        (path, word)
        for path, spans in prose
        for span in spans
        for words in command_words(span)
        if words[0] == "make"
        for word in words[1:]
        if re.fullmatch(r"[a-z][a-z-]*", word)
    }

    assert not {(path, word) for path, word in named if word not in targets}


def test_every_command_and_option_that_prose_names_exists(prose):
    named = [
        (path, words)
        for path, spans in prose
        for span in spans
        for words in command_words(span)
        if PurePosixPath(words[0]).name == "batuta" and len(words) > 1
    ]
    main = program_under_test()
    found = [
        f"{path}: {' '.join(words)}: {problem}"
        for path, words in named
        for problem in (command_problems(words, main) if main else ())
    ]

    assert not found, "\n".join(found)


def test_every_command_explains_itself():
    silent = []
    main = program_under_test()
    for words in every_command(main) if main else ():
        result = CliRunner().invoke(main, [*words, "--help"])
        if result.exit_code or "Usage:" not in result.output or len(result.output) < 40:
            silent.append((" ".join(words), result.output))

    assert not silent


@click.group()
@click.option("--data", type=str)
@click.option("--quiet", is_flag=True)
def program():
    """Stand in for the real program."""


@program.command()
@click.argument("file")
@click.option("--control", "-c")
def start(file, control):
    """Start something."""


@pytest.mark.parametrize(
    "line",
    [
        "batuta start order.yaml --control choreographed",
        "batuta --data x start order.yaml -c=orchestrated # as the rules say",
        "TOKEN=1 .venv/bin/batuta --quiet start FILE --anything",
        "batuta start --help",
        "batuta COMMAND --help",
        "batuta start a.yaml | tee log && batuta --data y start b.yaml",
    ],
)
def test_a_command_line_that_the_program_takes_is_accepted(line):
    assert [p for words in command_words(line) for p in problems_of(words)] == []


@pytest.mark.parametrize(
    "line",
    [
        "batuta stop order.yaml",
        "batuta start order.yaml --controls x",
        "batuta --verbose start order.yaml",
        "ls && batuta begin",
    ],
)
def test_a_command_line_that_the_program_refuses_is_recognised(line):
    assert [p for words in command_words(line) for p in problems_of(words)]


def problems_of(words):
    """Problems of one command of a line; other programs have none."""
    is_batuta = PurePosixPath(words[0]).name == "batuta"
    return command_problems(words, program) if is_batuta else []
