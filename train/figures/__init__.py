"""Commands that draw figures of fields, runs and data sets."""
