"""Measured speed and memory."""
