"""What client and server share on the wire, and the engine that is a server."""
