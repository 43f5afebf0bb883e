"""HTTP and the page's API: the only place that knows status codes.

`application` puts it together: `gate` (who may come in, and how much of it), `routes` (one file per
subject), `models` (the shapes of answers and bodies, which the OpenAPI document is made of),
`problems` (what goes wrong, as RFC 9457 has it), `serving` (the socket). What is asked for is done
by the use cases in `batuta.app`, as for the command line.
"""
