/**
 * Gives the reader what leads back to a moment: a line to run in a notebook.
 */

// A line that is pasted is run: a recording's own words never get into it.
const PLAIN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,120}$/;

/** The line that replays a recording from a moment on; null where its name can't stand in one. */
export function momentLine(name: string, t: number): string | null {
  return PLAIN_NAME.test(name) ? `%record replay ${name} --start ${Number(t.toFixed(2))}` : null;
}

/** Puts text on the clipboard, as far as a frame without an origin may: returns whether it is there. */
export function copy(text: string): boolean {
  const field = document.createElement('textarea');
  field.value = text;
  field.style.cssText = 'position: fixed; opacity: 0';
  const focused = document.activeElement as HTMLElement | null;
  document.body.append(field);
  field.select();
  const copied = document.execCommand('copy');
  field.remove();
  focused?.focus();
  return copied;
}
