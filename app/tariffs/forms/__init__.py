"""Forms of 定额 and 收费标准."""
