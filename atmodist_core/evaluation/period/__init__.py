"""Evaluation of models over any period: streamed into mergeable statistics, finished into one file."""
