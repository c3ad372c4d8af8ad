"""The identity provider of the seller's own people, by OpenID Connect."""
