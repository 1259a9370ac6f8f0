"""Fields as a training sees them: members in memory or in a store, patches, clips, what is held out."""
