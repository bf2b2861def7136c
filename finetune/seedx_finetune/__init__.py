"""Teaching the models of the SeedX SDK: the picture-book world, data, training and measurement."""
