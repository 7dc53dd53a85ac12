"""Floor 0: the 68 points and their groups, rasterising, detection, cropping."""
