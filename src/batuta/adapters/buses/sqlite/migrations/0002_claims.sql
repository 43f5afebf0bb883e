-- Whose a consumer's name is: two stores of one participant would each get half of its messages.
CREATE TABLE claims (
  name TEXT PRIMARY KEY,
  holder TEXT NOT NULL
) WITHOUT ROWID;
