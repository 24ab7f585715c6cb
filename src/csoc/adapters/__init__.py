"""The outside world, one package for each system; only these import its SDK and know its errors."""
