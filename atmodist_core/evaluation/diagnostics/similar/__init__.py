"""Whether similar times have similar weather: labels of blocking and cyclones, rival distances, shares with intervals."""
