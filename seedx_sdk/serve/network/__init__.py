"""How a server is reached: its sockets, the proxies in front of it, and the web pages that it keeps away."""
