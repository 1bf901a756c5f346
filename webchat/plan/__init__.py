"""`webchat plan`: from what was measured to what a deployment needs.

`coefficients.json` has every figure with where it was measured; `sizes` multiplies, `queue` simulates the waiting.
"""
