-- Who may write: whoever changes something moves this row on, and holds it until the transaction ends. SQLite has a lock of its own for that.
CREATE TABLE turns (
    turn BIGINT NOT NULL PRIMARY KEY
);
INSERT INTO turns (turn) VALUES (0);

-- The last writes by turn: a commit that got no answer is looked up here.
CREATE TABLE writes (
    turn BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL
);
