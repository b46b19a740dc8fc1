# Has an interactive zsh mark its commands for the recorder (capture/osc.py has the marks). zsh reads this file because
# ZDOTDIR names its folder; that is put right at once, so that zsh itself then reads the user's other files.

if [[ -n ${JUPYTER_RECORDER_SHELL_ZDOTDIR+set} ]]; then
  export ZDOTDIR=$JUPYTER_RECORDER_SHELL_ZDOTDIR
else
  builtin unset ZDOTDIR
fi
__jr_aid=$JUPYTER_RECORDER_SHELL_NONCE
builtin unset JUPYTER_RECORDER_SHELL_NONCE JUPYTER_RECORDER_SHELL_ZDOTDIR

# To the terminal itself: `exec >file` may have sent the shell's own output elsewhere.
__jr_mark() {
  builtin print -rn -- $'\e]133;'$1$'\a' >/dev/tty
}

# Sets REPLY to $1 with what would end or split a mark percent-encoded; a mark has room for so many characters.
__jr_encode() {
  builtin emulate -L zsh
  local text=${1[1,16384]} hex
  local -i code
  text=${text//'%'/%25}
  text=${text//';'/%3B}
  if [[ $text == *[[:cntrl:]]* ]]; then
    for ((code = 1; code <= 32; code++)); do
      builtin printf -v hex '%02X' $((code == 32 ? 127 : code))
      text=${text//${(#):-0x$hex}/%$hex}
    done
  fi
  REPLY=$text
}

__jr_start() {
  builtin emulate -L zsh
  local REPLY command
  __jr_encode "${1:-$3}" # without a history zsh tells only what it made of the line
  command=$REPLY
  __jr_encode "$PWD"
  __jr_mark "C;aid=$__jr_aid;cwd_url=$REPLY;cmdline_url=$command"
}

__jr_done() {
  local code=$?
  builtin emulate -L zsh
  __jr_mark "D;$code;aid=$__jr_aid"
}

__jr_prompt() {
  builtin emulate -L zsh
  __jr_mark "A;aid=$__jr_aid"
}

# At the first prompt, when all of the user's files have been read: first of those that run after a command, last of
# those that run before one, so that a hook of the user's counts as no command's time.
__jr_hook() {
  builtin emulate -L zsh
  precmd_functions=(__jr_done ${precmd_functions:#__jr_hook} __jr_prompt)
  preexec_functions+=(__jr_start)
  builtin unfunction __jr_hook
  __jr_prompt
}

if [[ -o interactive ]]; then
  builtin typeset -ga precmd_functions preexec_functions
  precmd_functions+=(__jr_hook)
fi
if [[ -r ${ZDOTDIR-$HOME}/.zshenv ]]; then
  builtin source ${ZDOTDIR-$HOME}/.zshenv
fi
