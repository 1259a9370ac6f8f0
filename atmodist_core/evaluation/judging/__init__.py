"""Judging several downscalers on held-out weather, with intervals.

A run streams through the times of a period and keeps small statistics of every time in a store; tables and
targets are made from the stores, with a bootstrap over blocks of days.
"""
