"""What users say who want an image, and how the model replies; our own wordings of the kind that the reference has."""

from __future__ import annotations

__all__ = ["DESCRIBE_REQUESTS", "DRAW_REQUESTS", "EDIT_REPLIES", "Request"]

Request = tuple[str, str]
"""What comes before the caption, and the reply that comes before the image."""

DRAW_REQUESTS: tuple[Request, ...] = (
    ("Paint me", "Here you are."),
    ("Please paint", "With pleasure, here is the painting."),
    ("Please sketch", "My sketch is ready."),
    ("Create an illustration that shows", "This is the illustration."),
    ("Create a photo that shows", "This is the photo."),
    ("I need a picture of", "This picture should fit."),
    ("I am looking for a photo of", "How about this photo?"),
    ("I want an illustration of", "This is my illustration."),
    ("Could you draw", "Of course. Here is my drawing."),
    ("Could you paint", "Of course. Here is my painting."),
    ("Would you make a picture of", "Gladly. Look at this."),
    ("Would you design an illustration of", "Gladly. This is the design."),
    ("Let me see", "Take a look."),
    ("Let me see a drawing of", "Take a look at the drawing."),
    ("Show me what it looks like:", "It looks like this."),
    ("Turn this description into an image:", "This is the image for it."),
    ("Turn these words into a painting:", "This is the painting for them."),
    ("Make an image from this caption:", "The image is done."),
    ("Make a photo from this caption:", "The photo is done."),
    ("New image:", "Done."),
    ("New drawing:", "Done, this is it."),
    ("Picture request:", "Here is what you asked for."),
    ("Imagine", "I imagine it like this."),
    ("Visualize", "This is how I see it."),
    ("Illustrate", "I have illustrated it."),
    ("Draw", "I have drawn it for you."),
    ("Depict", "This is how I depict it."),
    ("Generate an image:", "This is the generated image."),
)
"""28 pairs, as many as in image_text_pairs_clm.py of the reference."""

EDIT_REPLIES: tuple[str, ...] = (
    "Here you are.",
    "Here is the new version.",
    "This is the edited image.",
    "This is how it looks now.",
    "I have changed it.",
    "I have made the change.",
    "The edit is done.",
    "Done.",
    "Done, take a look.",
    "All right, here it is.",
    "Sure, this is the result.",
    "Sure, it is changed.",
    "Of course. Here is the result.",
    "Of course, look at this.",
    "No problem, here is the edited picture.",
    "With pleasure. This is the new picture.",
    "Gladly, see the result.",
    "As you wish.",
    "Your image is ready.",
    "I hope that this is what you meant.",
    "",
)
"""20 replies and an empty one, as many as in sft_clm.py of the reference."""

DESCRIBE_REQUESTS: tuple[str, ...] = (
    "Describe the image.",
    "What does the image show?",
    "What can be seen here?",
    "Write a caption for this image.",
    "Give a short description of the image.",
    "Say what is in the image.",
)
"""Ours; the reference's captions are read without a request."""
