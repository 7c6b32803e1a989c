"""Where the bench keeps things, and its C programs: compiled with make when first called for."""
import os
import subprocess

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, "build", "bench")
DATA = os.path.join(BUILD, "data")
RESULTS = os.path.join(BUILD, "results")


def program(name):
    """Path of a program of bench/Makefile, brought up to date."""
    subprocess.run(["make", "-s", "-C", HERE, name], check=True)
    return os.path.join(BUILD, "bin", name)


def call(name, *args):
    """Runs a program of the bench and returns what it printed."""
    return subprocess.run([program(name), *map(str, args)], check=True, text=True, stdout=subprocess.PIPE).stdout
