# Has an interactive bash (4.4 or newer) mark its commands for the recorder (capture/osc.py has the marks), after what
# bash would have read without this file: it is the --rcfile of a plain shell, and the ENV of a login shell begun in
# POSIX mode, for which --rcfile counts for nothing.
#
# Nothing is exported; PS1 and traps are left alone. The functions stand before the user's files, so that no alias gets
# into them. An older bash has no PS0: it runs as always, and no commands are found.

__jr_aid=$JUPYTER_RECORDER_SHELL_NONCE
builtin unset JUPYTER_RECORDER_SHELL_NONCE

# To the terminal itself: `exec >file` may have sent the shell's own output elsewhere.
__jr_mark() {
  builtin printf '\033]133;%s\007' "$1" >/dev/tty
}

# Sets __jr_text to $1 with what would end or split a mark percent-encoded; a mark has room for so many characters.
__jr_encode() {
  local text=${1:0:16384} char code hex
  text=${text//'%'/%25}
  text=${text//';'/%3B}
  if [[ $text == *[[:cntrl:]]* ]]; then
    for ((code = 1; code <= 32; code++)); do
      builtin printf -v hex '%02X' $((code == 32 ? 127 : code))
      builtin printf -v char "\\x$hex"
      text=${text//"$char"/"%$hex"}
    done
  fi
  __jr_text=$text
}

# Sets __jr_entry to the newest line of the history: "  501  1795216501;make".
__jr_newest() {
  __jr_entry=$(HISTTIMEFORMAT='%s;' builtin history 1)
}

# From PS0: a whole command line was read and is about to run. Its text is the history's, as it was typed. One that the
# history did not take (a leading space, HISTIGNORE, no history) is told without its text.
__jr_start() {
  builtin set +aeux
  local command=
  __jr_newest
  if [[ $__jr_entry != "$__jr_known" || $__jr_hides == 0 ]]; then
    command=${__jr_entry#*;}
  fi
  __jr_encode "$command"
  command=$__jr_text
  __jr_encode "$PWD"
  __jr_mark "C;aid=$__jr_aid;cwd_url=$__jr_text;cmdline_url=$command"
}

# First in PROMPT_COMMAND. Where that is a list, bash itself keeps $? for what follows; where it is a string, what
# follows sees what is returned here.
__jr_done() {
  { local status=$?; local -; builtin set +aeux; } 2>/dev/null
  __jr_told=1
  __jr_mark "D;$status;aid=$__jr_aid"
  if [[ $__jr_once == 1 ]]; then
    __jr_drop_repeated
  fi
  builtin return $((__jr_string * status))
}

# Last in PROMPT_COMMAND.
__jr_prompt() {
  { local status=$?; local -; builtin set +aeux; } 2>/dev/null
  if [[ $__jr_told != 1 ]]; then # the list's first element has been set anew
    __jr_mark "D;$status;aid=$__jr_aid"
  fi
  __jr_told=0
  __jr_hook
  __jr_watch_history
  __jr_newest
  __jr_known=$__jr_entry
  __jr_mark "A;aid=$__jr_aid"
  builtin return $((__jr_string * status))
}

# Takes its places, again if a command has set PS0 or PROMPT_COMMAND anew.
__jr_hook() {
  PS0=${PS0//'$(__jr_start 2>/dev/null)'/}
  if builtin shopt -q promptvars; then
    PS0+='$(__jr_start 2>/dev/null)'
  fi
  if [[ ${PROMPT_COMMAND-} == __jr_done* ]]; then
    builtin return
  fi
  PROMPT_COMMAND=${PROMPT_COMMAND//__jr_done/:}
  if ((__jr_string)); then
    builtin export -n PROMPT_COMMAND # a shell in this one does not have the functions; a list is never exported
    PROMPT_COMMAND=__jr_done$'\n'${PROMPT_COMMAND//__jr_prompt/:}$'\n'__jr_prompt
  elif [[ ${PROMPT_COMMAND[*]} == *__jr_prompt ]]; then
    PROMPT_COMMAND=(__jr_done "${PROMPT_COMMAND[@]}")
  else
    PROMPT_COMMAND=(__jr_done "${PROMPT_COMMAND[@]}" __jr_prompt)
  fi
}

# A line that was kept from the history and one that it did not take because it repeats the last look alike. Where the
# user's settings do both, repeated lines are let in, and taken out at the next prompt.
__jr_watch_history() {
  __jr_hides=0
  if [[ -n ${HISTIGNORE-} || :${HISTCONTROL-}: == *:ignore@(space|both):* || ! -o history ]]; then
    __jr_hides=1
  fi
  if [[ ${HISTCONTROL-} != "$__jr_control" ]]; then # the user's word since
    __jr_once=0
  fi
  if [[ $__jr_hides == 1 && :${HISTCONTROL-}: == *:ignore@(dups|both):* && ${HISTCONTROL@a} != *r* ]]; then
    __jr_once=1
    __jr_control=:$HISTCONTROL:
    __jr_control=${__jr_control//:ignoredups:/:}
    __jr_control=${__jr_control//:ignoreboth:/:ignorespace:}
    __jr_control=${__jr_control#:}
    HISTCONTROL=${__jr_control%:}
    __jr_control=$HISTCONTROL
  fi
}

__jr_drop_repeated() {
  __jr_newest
  local number=${__jr_entry%%;*} known=${__jr_known%%;*}
  number=${number%[ *] *} known=${known%[ *] *}
  if [[ ${__jr_entry#*;} == "${__jr_known#*;}" && $number != "$known" ]]; then
    builtin history -d $((number))
  fi
}

# -- what bash would have read

if [[ -o posix ]]; then
  builtin unset ENV
  if [[ -n ${JUPYTER_RECORDER_SHELL_ENV+set} ]]; then
    export ENV=$JUPYTER_RECORDER_SHELL_ENV
    builtin unset JUPYTER_RECORDER_SHELL_ENV
  fi
  builtin set +o posix
  builtin shopt -u inherit_errexit 2>/dev/null # leaving POSIX mode does not
  if [[ ${HISTFILE-} == "$HOME/.sh_history" ]]; then
    HISTFILE=$HOME/.bash_history
  fi
fi
if builtin shopt -q login_shell; then
  if [[ -r /etc/profile ]]; then
    builtin source /etc/profile
  fi
  for __jr_text in ~/.bash_profile ~/.bash_login ~/.profile; do
    if [[ -r $__jr_text ]]; then
      builtin source "$__jr_text"
      builtin break
    fi
  done
elif [[ -r ~/.bashrc ]]; then
  builtin source ~/.bashrc
fi

# -- and what it is for

__jr_begin() {
  local -
  builtin set +aeux
  __jr_string=$((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 501)) # is PROMPT_COMMAND a string, or a list?
  __jr_told=0 __jr_once=0 __jr_hides=0 __jr_known= __jr_control=${HISTCONTROL-}
  __jr_hook
}

if ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404)); then
  __jr_begin
fi
builtin unset -f __jr_begin
