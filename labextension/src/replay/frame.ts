/**
 * Runs inside the sandboxed frame: decodes what the frame carries and starts the player.
 */

import xtermCss from '@xterm/xterm/css/xterm.css';

import { readCarried } from './carried';
import type { Payload } from './model/recording';
import { decode } from './payload';
import { Player } from './player';
import { PortEnd } from './port-end';
import type { PlayerOptions } from './player';
import playerCss from './player.css';
import { h } from './views/dom';

function content(id: string): string {
  return document.getElementById(id)?.textContent ?? '';
}

/** The page around names a theme and may change it: nothing else is taken from it. Unnamed, the system's is used. */
function followTheme(): void {
  const page = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  if (page.dataset.theme === 'auto') {
    const follow = (): void => void (page.dataset.theme = dark.matches ? 'dark' : 'light');
    follow();
    dark.addEventListener('change', follow);
  }
  window.addEventListener('message', event => {
    const theme: unknown = (event.data as { theme?: unknown } | null)?.theme;
    if (event.source === window.parent && (theme === 'light' || theme === 'dark')) {
      page.dataset.theme = theme;
    }
  });
}

async function start(root: HTMLElement): Promise<void> {
  document.head.append(h('style', {}, xtermCss), h('style', {}, playerCss));
  followTheme();
  const port = new PortEnd(root);
  if (content('data').trim() === '') {
    root.replaceChildren(h('p', { class: 'waiting', role: 'status' }, 'Waiting for the recording …'));
    port.listen();
    return;
  }
  try {
    const options = JSON.parse(content('options')) as PlayerOptions;
    const payload = JSON.parse(await decode(content('data'))) as Payload;
    await readCarried(document, payload, recording => {
      const player = new Player(root, recording, options);
      recording.onTrouble = message => player.tell(message);
      port.drive(player);
    });
  } catch (error) {
    port.fail(error);
  }
  port.listen();
}

void start(document.getElementById('player')!);
