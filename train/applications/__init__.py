"""Commands that apply the networks: the most similar times of a record, and filled gaps."""
