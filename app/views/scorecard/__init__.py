"""The view Scorecard."""
