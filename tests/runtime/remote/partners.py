"""Workflows with a service that is not ours: one that asks it, and one that catches its faults."""

ORDER = """
document:
  dsl: '1.0.3'
  namespace: t
  name: w
  version: '1.0.0'
  metadata: { participants: { orders: {}, fraud: { external: true } } }
do:
  - check:
      call: checkFraud
      with: { amount: '${ .amount }' }
      metadata: { participant: fraud }
  - book:
      call: book
      with: { score: '${ .score }' }
      metadata: { participant: orders }
"""
CAUGHT = """
document:
  dsl: '1.0.3'
  namespace: t
  name: w
  version: '1.0.0'
  metadata: { participants: { orders: {}, fraud: { external: true } } }
do:
  - guarded:
      try:
        - check:
            call: checkFraud
            with: { amount: '${ .amount }' }
            metadata: { participant: fraud }
      catch:
        as: error
        do:
          - note: { set: { status: '${ $error.status }', why: '${ $error.title }' } }
"""
