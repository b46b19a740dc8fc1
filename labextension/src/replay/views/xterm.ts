/**
 * Makes an emulator for recorded output, which is hostile.
 *
 * It only ever listens: nothing is wired to what the terminal would answer, and what could reach out of it is dropped.
 */

import { Terminal as Xterm } from '@xterm/xterm';

import type { Terminal } from '../model/terminals';
import { xtermTheme } from './terminal-theme';

const FONT = 'ui-monospace, "SF Mono", "Cascadia Mono", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace';

/** One that shows once it is opened; before, it takes output all the same. */
export function makeXterm({ cols, rows, theme }: Pick<Terminal, 'cols' | 'rows' | 'theme'>): Xterm {
  const xterm = new Xterm({
    allowProposedApi: true,
    cols,
    rows,
    cursorInactiveStyle: 'block',
    disableStdin: true,
    fontFamily: FONT,
    fontSize: 13,
    scrollback: 1000,
    screenReaderMode: false,
    theme: xtermTheme(theme)
  });
  harden(xterm);
  return xterm;
}

/** Takes away what recorded output could do beyond drawing on its screen. */
function harden(xterm: Xterm): void {
  xterm.attachCustomKeyEventHandler(() => false);
  // OSC 8: a link's text stays, its target goes. OSC 52: the clipboard is the reader's.
  for (const code of [8, 52]) {
    xterm.parser.registerOscHandler(code, () => true);
  }
  // CSI b repeats a character: beyond a screen it would only cost memory.
  xterm.parser.registerCsiHandler({ final: 'b' }, params => Number(params[0] ?? 1) > xterm.cols * xterm.rows);
}
