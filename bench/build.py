"""Where the bench keeps things, its C programs, compiled with make when first called for, and its Python environment."""
import os
import subprocess
import venv

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
BUILD = os.path.join(ROOT, "build", "bench")
DATA = os.path.join(BUILD, "data")
RESULTS = os.path.join(BUILD, "results")
VENV = os.path.join(BUILD, "venv")


def program(name):
    """Path of a program of bench/Makefile, brought up to date."""
    subprocess.run(["make", "-s", "-C", HERE, name], check=True)
    return os.path.join(BUILD, "bin", name)


def call(name, *args):
    """Runs a program of the bench and returns what it printed."""
    return subprocess.run([program(name), *map(str, args)], check=True, text=True, stdout=subprocess.PIPE).stdout


def has_packages(python, packages):
    names = [package.split("==")[0] for package in packages]
    check = "import importlib.metadata as m, sys; [m.version(name) for name in sys.argv[1:]]"
    return subprocess.run([python, "-c", check, *names], check=False, stderr=subprocess.DEVNULL).returncode == 0


def environment(packages, bare=()):
    """The Python of a virtual environment that has these packages; `bare` come without what they say they need."""
    python = os.path.join(VENV, "bin", "python")
    if not os.path.exists(python):
        venv.create(VENV, with_pip=True)
    for names, options in ((packages, ()), (bare, ("--no-deps",))):
        if not has_packages(python, names):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *options, *names], check=True)
    return python


def run_script(name, *args, bare=()):
    """Runs a script of the bench that needs numpy, in the environment."""
    subprocess.run([environment(["numpy"], bare), os.path.join(HERE, name), *map(str, args)], check=True)
