"""What the workflows here measure."""

import shutil

import batuta


@batuta.function
def freeSpace(path: str) -> dict:  # noqa: N802 -- the workflow's name for it
    usage = shutil.disk_usage(path)
    return {"path": path, "percent": 100 * usage.free // usage.total}
