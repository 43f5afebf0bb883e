"""Where in a text the things of a document stand."""

from batuta.definition.places import Places
from batuta.definition.problems import Position

TEXT = "document: { name: a/b }\ndo:\n  - first:\n      set: { a/b: 1 }\n  - second: { set: {} }\n"


def test_a_thing_is_where_its_key_or_item_begins():
    places = Places(TEXT)
    assert places.of("/do") == Position(2, 1)
    assert places.of("/do/0/first") == Position(3, 5)
    assert places.of("/do/0/first/set/a~1b") == Position(4, 14)
    assert places.of("/do/1/second") == Position(5, 5)


def test_what_the_text_does_not_have_is_at_the_last_thing_that_it_has():
    places = Places(TEXT)
    assert places.of("") == Position(1, 1)
    assert places.of("/do/1/second/then/deeper") == Position(5, 5)
    assert places.of("/do/9/none") == Position(2, 1)
    assert places.of("/do/x") == Position(2, 1)
    assert places.of("/nothing") == Position(1, 1)


def test_a_text_that_cannot_be_read_has_only_its_beginning():
    assert Places("a: [").of("/a") == Position(1, 1)
