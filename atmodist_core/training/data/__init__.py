"""Fields in memory or in a store, patches, clips, held-out scores."""
