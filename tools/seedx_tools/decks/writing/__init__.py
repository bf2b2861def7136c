"""From a SlidePlan to shapes."""
