"""What the plants' door and the operator's door share: brakes on guessing, 验证码, sessions, the second step, passwords."""
