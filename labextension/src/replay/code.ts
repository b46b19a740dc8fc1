/**
 * The player's script for hosts that have it at hand: inflated once a page, however many replays there are.
 */

import { PLAYER_GZ_BASE64 } from '../generated/player';
import { inflateText } from './payload';

/** Resolves to the script that a frame runs; rejects where this browser can't inflate. */
export type PlayerCode = () => Promise<string>;

let text: Promise<string> | null = null;

export const playerCode: PlayerCode = () =>
  (text ??= inflateText(Uint8Array.from(atob(PLAYER_GZ_BASE64), char => char.charCodeAt(0))));
