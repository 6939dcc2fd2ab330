"""Puts NaN where a number belongs, which float() reads and any comparison with it lets through."""

import answers

answers.write(confidence="nan")
