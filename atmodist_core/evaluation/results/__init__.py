"""Measures, intervals, tables and the file of an evaluation, made from stored statistics."""
