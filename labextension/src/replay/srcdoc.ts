/**
 * Fills the frame's page, all but the player's script, which the host hands over. `jupyter_recorder/replay/bundle.py`
 * does the same in Python, from the same template, with the script in it.
 */

import { FRAME_HTML } from '../generated/player';

export interface FrameOptions {
  readonly speed?: number;
  readonly idle?: number | null;
  readonly start?: number;
}

export type Theme = 'light' | 'dark' | 'auto';

/**
 * @param data base64 of the payload's JSON, gzipped or not
 */
export function srcdoc(data: string, options: FrameOptions, title: string, theme: Theme): string {
  const values: Record<string, string> = {
    THEME: theme,
    TITLE: escapeHtml(title),
    OPTIONS: escapeJson(JSON.stringify(options)),
    // What the notebook holds is hostile until shown otherwise: only base64 gets through.
    DATA: data.replace(/[^A-Za-z0-9+/=]/g, ''),
    PARTS: '',
    CODE: ''
  };
  return FRAME_HTML.replace(/\{\{([A-Z]+)\}\}/g, (whole, name: string) => values[name] ?? whole);
}

/** Base64 of a text's UTF-8. */
export function encode(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 8192) {
    parts.push(String.fromCharCode(...bytes.subarray(at, at + 8192)));
  }
  return btoa(parts.join(''));
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}

/** JSON that can stand in a script element: no tag, comment or line separator in it. */
function escapeJson(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
