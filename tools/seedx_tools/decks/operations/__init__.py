"""Operations on a saved deck as a whole."""
