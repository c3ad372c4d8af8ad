"""The main job on real input: four customers live, then the proof of their books."""
