"""The claims, one stem each: a module, or a package where it needs several files. ``CLAIMS`` ends each of them."""
