"""What numbers and their intervals allow to say: verdicts, the scorecard, and sentences on results."""
