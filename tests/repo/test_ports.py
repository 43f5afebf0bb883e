"""A port is a written contract."""

import ast


def is_protocol(node):
    """Whether a class is a Protocol, also a generic one."""
    bases = [base.value if isinstance(base, ast.Subscript) else base for base in node.bases]
    return any(ast.unparse(base).rpartition(".")[2] == "Protocol" for base in bases)


def test_every_port_has_its_contract_in_words(product):
    silent = [
        f"{source.path}:{node.lineno}: {node.name}"
        for source in product
        if source.is_below("src/batuta/ports")
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and is_protocol(node)
        and not ast.get_docstring(node)
    ]

    assert not silent
