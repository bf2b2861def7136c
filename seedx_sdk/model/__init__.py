"""The model itself: single-device torch modules, without HTTP, command lines or files of its own making."""
