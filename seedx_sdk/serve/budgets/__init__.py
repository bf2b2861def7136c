"""What one request, and all requests together, may take: pixels, steps, tokens, memory."""
