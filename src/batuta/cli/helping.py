"""What `--help` shows: of the program, its commands and their options. Texts only."""

PROGRAM = """One definition of an integration, run durably.

A workflow is a YAML or JSON file in the Open (Serverless) Workflow DSL 1.0. Runs are kept in a
store, by default .batuta/batuta.db under the current folder: what a crash interrupts goes on.

\b
Begin with:
  batuta new hello && cd hello
  batuta check greeting.yaml
  batuta run greeting.yaml --input '{"name": "Ada"}'
"""

COMMANDS = {
    "new": "Make a small project that runs.",
    "check": "Check workflows; show every problem at its place.",
    "project": "Show what each participant does without a conductor.",
    "run": "Run a workflow and wait for its end.",
    "compare": "Run a workflow both ways, and show them side by side.",
    "up": "Run everything in a folder until stopped.",
    "participant": "Run one participant as a process of its own.",
    "resume": "Continue what a crash or a stop left behind.",
    "runs": "List, show, cancel, suspend, resume, retry and purge runs.",
    "events": "Publish events, and look at those that were.",
    "dead": "See to messages that participants could not take.",
    "secrets": "Keep secrets in an encrypted file.",
    "keys": "Let others in to the page and the API.",
    "audit": "Forget what is old of who changed what.",
}

DEBUG = "Show the engine's log, and tracebacks of errors."
STORE = "Where runs are kept: sqlite:///FILE. [default: .batuta/batuta.db under this folder]"
BUS = (
    "Where participants of choreographed runs meet: sqlite:///FILE or nats://HOST:PORT. "
    "[default: bus.db beside the store]"
)
FUNCTIONS = "Python functions that workflows may call; repeatable."
GIVEN_BY_HAND = (
    "A secret for this command; repeatable. Others on the machine may see it: prefer the "
    "environment (BATUTA_SECRET_NAME) or `batuta secrets set`."
)
WAIT = "Wait at most this long."
JSON = "Print JSON for programs."

CHECK = """Check workflow files.

All problems of all files are shown, each with its line, what was expected and what to do. Python
functions are looked up when --functions or a batuta.toml names them. The exit code is 0 when every
file is right (warnings allowed), else 1.

Whether participants can run a workflow without a conductor is checked for those that say so
(`control: choreographed`), and for all with --control choreographed.
"""
CHECKED_CONTROL = "Who is to direct the runs. [default: what each document says]"
FIX = "Name a participant in the file where only one can be meant; show what changed."
PROJECT = """Show what each participant of the workflow in FILE does while nobody conducts.

Its rules: on which events, when what holds, which tasks are performed, and which events that
publishes. A participant's rules hold its own tasks, and of the others' nothing but event names.

\b
  batuta project FILE                                        all rules, as YAML
  batuta project FILE --format mermaid                       a picture
  batuta project FILE --participant NAME --format asyncapi   a contract for NAME's team
"""
PROJECTED_PARTICIPANT = "Only this one."
PROJECTED_FORM = "asyncapi is AsyncAPI 3.0, of one participant."
RUN = """Run the workflow in FILE and wait for its end.

Every step is on disk before it is acted upon: a crash, Ctrl-C or --wait running out leaves the run
in the store, and `batuta resume` continues it. Settings come from a batuta.toml beside FILE or in
this folder, if there is one.

\b
Exit code: 0 completed, 1 faulted, 2 wrong request or document, 3 cancelled,
           4 not ended when --wait ran out, 5 store not usable, 130 Ctrl-C.
"""

COMPARE = """Run the workflow in FILE under both control models, and show them side by side.

Every run has its counterpart with the same input: do they come to the same, with how many messages,
by how many hops, in which time? All of it happens in this process, on temporary stores. The tasks
are really performed: what a workflow does to the world is done for each run, twice, under the same
idempotency keys.

\b
Exit code: 0 the outcomes are identical, 1 they differ or a run did not end in time,
           2 wrong request or document, or one that its participants alone cannot run.
"""
COMPARE_RUNS = "How many runs, each way."
COMPARE_INPUT = "An input; repeatable, and the runs take them in turn. [default: {}]"
AT_ONCE = "How many runs may be under way together."
INPUT = "The run's input: JSON, a file of it, or - for stdin. [default: {}]"
CONTROL = "Who directs the run. [default: what the document says, else orchestrated]"
TRACE = "Also print every task, in the order they started."
RUNS = """Look at runs, and ask something of one.

Asking works whether another process drives the run (then it is asked to) or nobody does (then this
command takes over what that process left behind, for as long as it lasts, and says so).
"""
RUNS_LIST = "List runs, the newest first."
RUNS_SHOW = "Show a run: its tasks in the order they started, its result or error."
RUNS_CANCEL = """End a run now.

What it has completed and has a compensation is undone first, newest first.
"""
RUNS_SUSPEND = """Let a run stand still.

Answers that come are kept, nothing new begins, its clocks stop; `batuta runs resume` lets it go on.
"""
RUNS_RESUME = "Let a suspended run go on."
RUNS_RETRY = """Run a faulted run again, as a new run.

It begins with the recorded results of the old one and goes on from the task that faulted, so
nothing that succeeded is done twice.
"""
RUNS_PURGE = """Forget runs that ended long ago, and events as old.

Without --older-than: what is older than `retention_days` of batuta.toml (30 unless set).
"""
BY_STATUS = "Only runs of this status; repeatable."
BY_WORKFLOW = "Only runs of this workflow."
BY_CONTROL = "Only runs under this control model."
BY_PARTICIPANT = "Only runs of workflows in which this participant has a part."
BY_STUCK = "Only runs in which nobody acts who should."
BY_SINCE = "Only runs started at this time or later: 2026-01-31T12:00:00Z, or 12h (ago)."
BY_UNTIL = "Only runs started before that."
BY_ERROR = "Only runs that faulted with this type of error: timeout, or a whole URI."
BY_KEY = "Only runs with this business key; repeatable."
BY_TEXT = "Only runs whose id, or a business key, begins with this text."
BEFORE = "Only runs older than this one: to page on."
SHOW_REVEAL = "Also show what schemas mark as secret (`[redacted]` otherwise)."
SHOW_TRACE = "Also show what each task was given and what it answered."
NO_COMPENSATE = "Undo nothing of what was completed."
FROM_START = "Do everything again, with the same input."
OLDER_THAN = "Only what ended longer ago: 90s, 15m, 12h, 30d."
RESUME = """Continue what a crash or a stop left behind.

Takes over every run whose process is gone and drives it until none is under way. Runs that only
wait for a time or an event stay in the store; with --wait this waits for those too, that long at
most. The Python functions are those that the runs were started with, and those given.

\b
Exit code: 0 done, 1 a run faulted, 4 not all ended when --wait ran out.
"""
EVENTS = "Publish CloudEvents to the runs of a store, and look at those that were."
EVENTS_PUBLISH = """Publish an event of this TYPE.

Runs that listen for it hear it, now or when their process is back. Events of one --source and
--attr id=ID are one event, however often they are published.
"""
EVENTS_TAIL = "Show the last events, or all since a number; with --follow also those to come."
EVENT_DATA = "What it carries: JSON, a file of it, or - for stdin."
EVENT_SUBJECT = "What it is about."
EVENT_ATTR = "An attribute of your own; repeatable."
FOLLOW = "Go on until Ctrl-C."
SINCE = "Only events after this number (0: all)."
BY_TYPE = "Only events of this type."

DEAD = """See to messages that participants could not take.

A message that cannot be read, is of a version that a participant does not have, or fails each time
that it is tried is put aside with the reason, so that it holds nothing up. Here they are seen, in
the store and in those of the participants beside it; the participants may run meanwhile.
"""
DEAD_LIST = "List messages that were put aside, by the reason."
DEAD_SHOW = "Show a message that was put aside, with all that it says."
DEAD_REDRIVE = """Have messages taken again, once what was wrong is mended.

A participant that runs takes them at once; one that does not when it starts.
"""
DEAD_DISCARD = "Forget messages for good. What they would have moved may stand still for ever."
DEAD_OF = "Only those of one participant."
DEAD_RUN = "Only those about one run."
DEAD_ALL = "All that are dead."
DEAD_LATE = "Those instead that came when their run had ended: they are only kept to be seen."
SECRETS = """Keep secrets in an encrypted file of this folder (.batuta/secrets.json).

The key is in .batuta/key, or in the environment as BATUTA_KEY. No command shows a value.
"""
SECRETS_SET = """Keep a secret, from --value, from stdin, or typed unseen.

A value that is a JSON object is one: its members are `$secrets.NAME.member`.
"""
SECRETS_LIST = "Show the names of the secrets that are kept."
SECRETS_DELETE = "Forget a secret."
SECRET_TEXT = "The value. Your shell remembers what you type: better pipe it in."  # noqa: S105 -- a help text
KEYS = """Let others in to the page and the API, each as far as is wanted.

A key is kept as a digest in the store that a server runs over, and takes effect at once, also while
one runs.
"""
KEYS_ADD = """Make a key for NAME, and print it: it cannot be shown again.

It is sent as `Authorization: Bearer KEY`, or typed into the page. What is done with it is noted in
the audit under NAME.
"""
KEY_ROLE = "viewer, operator, deployer or admin: each may do all that those before it may."
KEY_SCOPE = "A namespace that it holds for, as `retail` or `team-*`; repeatable. By default all."
KEY_GRANT = "What it may besides its role: reveal (see secrets), publish:* (any event); repeatable."
KEY_DAYS = "Lets nobody in any more after so many days."
KEYS_LIST = "Show the keys that were made, those too that let nobody in any more."
KEYS_REVOKE = "Let nobody in by a key any more, nor by sessions that were begun with it."
AUDIT = "Forget what is old of who changed what."
AUDIT_PURGE = """Forget rows of the audit; that they were forgotten is in it.

Without --older-than: what is older than `audit_days` of batuta.toml (400 unless set). The rows are
read at `GET /api/v1/audit`.
"""
NEW = "Make a folder NAME with a workflow that runs, a Python function, settings and a README."
UP = """Run everything in FOLDER until Ctrl-C or SIGTERM.

Workflows (*.yaml, *.yml, *.json) are deployed, Python files with @batuta.function are loaded,
batuta.toml is read, schedules run, and runs whose process is gone go on. The participants of
workflows with `control: choreographed` run here too, those of all workflows where a bus is named,
except those that are `remote` in batuta.toml.

The page to see and control all of it by is served on this machine, at the address that is printed;
its token is in the file `token` beside the store.
"""
HOST = "The address to serve the page on; another one than this machine's lets others in."
PORT = "The port to serve the page on. [default: the first free one from 8765 on]"
NO_SERVER = "Serve no page and no HTTP API."
PARTICIPANT = """Be participant NAME until Ctrl-C or SIGTERM.

Performs its tasks of the workflows in FOLDER, by its own rules: what it needs comes from the bus,
and what it did goes there. It has a store of its own, in which it remembers across crashes what it
was told, what it did and what is still to be sent. Of one NAME there is one process.

\b
Python functions are those of --functions and batuta.toml, else those of FOLDER.
"""
WORKFLOWS = "The folder with the workflows."
OWN_STORE = (
    "The participant's own store: sqlite:///FILE. "
    "[default: .batuta/participants/NAME.db under this folder]"
)
ACCEPT_LOSS = "Use a bus that may lose what it has acknowledged."
TAKE_OVER = (
    "Be this participant even if another store was until now: for when that one is lost. What was "
    "under way in it does not go on."
)
QUIET = "Say nothing about single runs."
