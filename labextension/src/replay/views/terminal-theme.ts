/**
 * A terminal's colours: the recording's own where it names them, else the player's.
 */

import type { ITheme } from '@xterm/xterm';

import type { CastTheme } from '../model/cast';

const NAMES = ['black', 'red', 'green', 'yellow', 'blue', 'magenta', 'cyan', 'white'] as const;

const PALETTE = [
  ...['#2b3038', '#f2777a', '#8fd18a', '#e8c26b', '#6ea8fe', '#c792ea', '#6fd3d8', '#d5d9e0'],
  ...['#6b7280', '#ff9a9c', '#aee5a9', '#f4d98f', '#99c2ff', '#ddb3f8', '#97e6ea', '#ffffff']
];

export function xtermTheme({ fg, bg, palette }: CastTheme): ITheme {
  const colors = palette ?? PALETTE;
  const background = bg ?? '#16181d';
  const theme: Record<string, string> = { foreground: fg ?? '#d5d9e0', background, cursor: fg ?? '#d5d9e0' };
  NAMES.forEach((name, index) => {
    theme[name] = colors[index]!;
    theme[`bright${name[0]!.toUpperCase()}${name.slice(1)}`] = colors[index + 8] ?? colors[index]!;
  });
  return { ...theme, cursorAccent: background, selectionBackground: '#3e63dd88' };
}
