"""PURE: what a workflow means for participants who have no conductor.

`owners` says who performs a task, `flow` where control can go between tasks that act, `projection`
what each participant therefore has to hear and does, `types` what the events between them are
called, `realisability` which workflows cannot be run this way, `repairs` what can be mended
mechanically, `contract` and `picture` show it to people and other programs.

Does not own how a participant runs (`batuta.runtime`), nor what a task means (`batuta.kernel`),
whose rules `flow` repeats as a graph: a change there of where control goes is a change here.
"""

from batuta.choreography.owners import first_owner, participants_of
from batuta.choreography.projection import Part, Projection, Rule, project
from batuta.choreography.types import Types

__all__ = [
    "Part",
    "Projection",
    "Rule",
    "Types",
    "first_owner",
    "participants_of",
    "project",
]
