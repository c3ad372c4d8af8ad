"""The committed OpenAPI document: written, and held against what was promised before."""
