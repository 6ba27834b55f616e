"""The commands of `ringfence`, one module a group; rooms are imported inside them."""
