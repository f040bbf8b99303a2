"""How messages leave: what they say, the connections to the mail server, and the courier that carries them."""
