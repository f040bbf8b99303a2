"""Pages and the rules about them. Pure: the program, the teams and the time are handed in."""
