"""Acting on the world: http, openapi, functions, processes."""
