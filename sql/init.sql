-- Creates the extension for every test after this one.
CREATE EXTENSION vecidx;
