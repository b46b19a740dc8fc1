/**
 * Searches in what was recorded, a little after the last key; an answer that comes late is dropped.
 */

import type { Hit, Hits } from '../library/client';

const QUIET_MS = 250;
const PAGE = 50;

export class Query {
  hits: readonly Hit[] = [];
  total = 0;
  /** What keeps it from an answer; empty: nothing. */
  problem = '';
  /** An answer is awaited. */
  busy = false;
  private words = '';
  private next: string | undefined;
  private timer: number | undefined;

  constructor(
    private readonly search: (words: string, limit: number, after?: string) => Promise<Hits>,
    private readonly changed: () => void
  ) {}

  ask(words: string): void {
    window.clearTimeout(this.timer);
    this.words = words.trim();
    this.next = undefined;
    if (this.words === '') {
      this.take({ hits: [], total: 0 });
      return;
    }
    this.busy = true;
    this.timer = window.setTimeout(() => void this.fetch(), QUIET_MS);
  }

  get hasMore(): boolean {
    return this.next !== undefined;
  }

  async fetch(): Promise<void> {
    const { words, next } = this;
    this.busy = true;
    try {
      const found = await this.search(words, PAGE, next);
      if (words === this.words && next === this.next) {
        this.take(found, next === undefined ? [] : this.hits);
      }
    } catch (error) {
      if (words === this.words) {
        this.take({ hits: [], total: 0 });
        this.problem = error instanceof Error ? error.message : String(error);
        this.changed();
      }
    }
  }

  private take({ hits, total, next }: Hits, before: readonly Hit[] = []): void {
    this.hits = [...before, ...hits];
    this.total = total;
    this.next = next;
    this.busy = false;
    this.problem = '';
    this.changed();
  }
}
