"""What people see: the terminal, the leaderboard, pictures."""
