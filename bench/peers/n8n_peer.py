"""n8n: not measured, and this says why, in the line where its figures would be.

npm's package `n8n` (2.x) asks for a tarball that lies outside the npm registry and for Node 24.
Where only the registry can be reached it does not install (`install.py n8n` shows the error), so no
measurement of it was ever run, and none is written here unrun. The command line is that of the
other peers, so that a script may call all of them alike.
"""

from measuring import SCRATCH, asked, skip


def reason() -> str:
    """Why there is no figure, with npm's own words where an install was tried."""
    log = SCRATCH / "n8n" / "install.log"
    if (SCRATCH / "n8n" / "installed").exists():
        return "n8n installs here, but no measurement of it is written"
    if not log.exists():
        return "n8n is not installed: run bench/peers/install.py n8n"
    errors = [line for line in log.read_text().splitlines() if "npm error" in line]
    said = next((line for line in errors if "request to" in line), "".join(errors[:1]))
    return f"n8n does not install here: {said.removeprefix('npm error').strip() or 'see its log'}"


if __name__ == "__main__":
    skip("n8n", asked("n8n."), reason())
