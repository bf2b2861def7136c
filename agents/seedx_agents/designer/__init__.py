"""A designer of images and of changes to them."""
