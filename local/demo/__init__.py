"""The main job on real input: four customers' stories, then the proof of their books."""
