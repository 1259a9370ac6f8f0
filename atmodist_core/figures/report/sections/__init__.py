"""The sections of a report: each is a function from an evaluation to a section, or to nothing where its group is missing."""
