"""What both doors share: brakes, sessions, the second step, passwords."""
