"""`flask doctor`: whether this installation is set up as one with people's names and money in it must be."""
