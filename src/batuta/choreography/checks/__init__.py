"""What keeps a workflow from being run without a conductor: one module per subject.

Each looks at a `Case` and adds to its findings. What is refused is what would come out otherwise
than under a conductor, or would need to know what somebody else may not.
"""
