"""`jupyter recorder completion`: scripts for bash, zsh and fish; what fits is asked of this program at each Tab."""

from __future__ import annotations

import argparse
from typing import Any, Final

from ..library.library import Library

EXAMPLES = """examples:
  source <(jupyter recorder completion bash)          in ~/.bashrc
  source <(jupyter recorder completion zsh)           in ~/.zshrc, after compinit
  jupyter recorder completion fish > ~/.config/fish/completions/jupyter-recorder.fish

Commands, options, formats and the names of recordings are completed, for `jupyter recorder` and `jupyter-recorder`."""

_BASH: Final = """_jupyter_recorder() {
  local words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  if [ "${COMP_WORDS[0]##*/}" = jupyter ]; then
    [ "${words[0]}" = recorder ] && [ "$COMP_CWORD" -gt 1 ] || return
    words=("${words[@]:1}")
  fi
  local IFS=$'\\n'
  COMPREPLY=($(jupyter-recorder completion words -- "${words[@]}" 2>/dev/null))
}
complete -o default -o bashdefault -F _jupyter_recorder jupyter-recorder jupyter
"""
_ZSH: Final = """_jupyter_recorder() {
  local -a given found
  given=("${words[@]:1:$((CURRENT - 1))}")
  if [[ "${words[1]:t}" == jupyter ]]; then
    [[ "${given[1]}" == recorder ]] && (( CURRENT > 2 )) || { _default; return }
    given=("${given[@]:1}")
  fi
  found=("${(@f)$(jupyter-recorder completion words -- "${given[@]}" 2>/dev/null)}")
  [[ -n "${found[1]}" ]] && compadd -a found || _default
}
compdef _jupyter_recorder jupyter-recorder jupyter
"""
_FISH: Final = """function __jupyter_recorder
  set -l given (commandline -opc) (commandline -ct)
  set -e given[1]
  test "$given[1]" = recorder; and set -e given[1]
  jupyter-recorder completion words -- $given 2>/dev/null
end
complete -c jupyter-recorder -a '(__jupyter_recorder)'
complete -c jupyter -n '__fish_seen_subcommand_from recorder' -a '(__jupyter_recorder)'
"""
SCRIPTS: Final = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def add(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("shell", choices=(*SCRIPTS, "words"), help="the shell (words: used by the scripts)")
    parser.add_argument("words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)


def run(given: argparse.Namespace, library: Library) -> int:
    """Print a shell's script, or what could stand next."""
    if given.shell in SCRIPTS:
        print(SCRIPTS[given.shell], end="")
        return 0
    words = given.words[1:] if given.words[:1] == ["--"] else given.words
    for word in fitting(words, library):
        print(word)
    return 0


def fitting(words: list[str], library: Library) -> list[str]:
    """Return what the last of `words`, which may be empty, could become."""
    from . import COMMANDS, parser_of

    *before, typed = words or [""]
    while before[:1] == ["--root"]:
        before = before[2:]
    if not before:
        return [command.name for command in COMMANDS if command.name.startswith(typed)]
    chosen = next((command for command in COMMANDS if command.name == before[0]), None)
    if chosen is None or "--" in before:
        return []
    actions: list[Any] = parser_of(chosen)._actions
    if typed.startswith("-"):
        return sorted(o for action in actions for o in action.option_strings if o.startswith(typed) and o[:2] == "--")
    for action in actions:
        if before[-1] in action.option_strings and action.nargs != 0:
            return [word for word in _values(action) if word.startswith(typed)]
    names = any(action.dest == "name" and not action.option_strings for action in actions)
    return library.names(typed) if names else []


def _values(action: Any) -> list[str]:
    if action.dest in ("to", "format"):
        from ..convert import FORMATS, IMPORT_FORMATS

        return [format_.name for format_ in (FORMATS if action.dest == "to" else IMPORT_FORMATS)]
    return [str(choice) for choice in action.choices or ()]
