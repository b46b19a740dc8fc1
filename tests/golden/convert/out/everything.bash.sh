#!/usr/bin/env bash
# The commands of A bit of everything, recorded by jupyter-recorder.

# Training begins

# rerun with seed 7

# in /home/ana/shop
ls *.py
eval -- 'echo "$HOME"'

make test

eval -- 'echo from bash
ls | wc -l'
