"""What real clients of OpenAI's API send and read: request bodies, and answers as JSON."""
