"""The leaderboard: collected, ranked and written as Markdown, CSV, LaTeX and a page."""
