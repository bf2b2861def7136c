"""Image prompts for slides and pages, and the images."""
