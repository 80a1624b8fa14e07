"""Inputs: what clients hand in, and the plain values it becomes."""
