"""The example challenge "Read the digits": data, images, submissions and the program that builds it."""
