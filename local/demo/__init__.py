"""The main job on real input: stories of five sellers' customers, then the proof of their books."""
