/**
 * All recordings that are known, in the order in which they are shown.
 */

import { isLive } from './recording';
import type { Recording } from './recording';

export interface Filter {
  /** Found in name, title, id or tags; empty: all. */
  readonly q: string;
  /** Empty: any. */
  readonly kind: string;
  readonly state: string;
  readonly tag: string;
}

export class Shelf {
  private readonly known = new Map<string, Recording>();
  private ordered: readonly Recording[] | null = null;

  get size(): number {
    return this.known.size;
  }

  get(id: string): Recording | undefined {
    return this.known.get(id);
  }

  put(recording: Recording): void {
    this.known.set(recording.id, recording);
    this.ordered = null;
  }

  remove(id: string): void {
    this.known.delete(id);
    this.ordered = null;
  }

  /** Takes the place of all that was known. */
  replace(recordings: Iterable<Recording>): void {
    this.known.clear();
    for (const recording of recordings) {
      this.known.set(recording.id, recording);
    }
    this.ordered = null;
  }

  /** Those that are recorded now first, the newest first among each. */
  get all(): readonly Recording[] {
    this.ordered ??= [...this.known.values()].sort(
      (one, other) => Number(isLive(other)) - Number(isLive(one)) || other.startedAt - one.startedAt || (one.id < other.id ? 1 : -1)
    );
    return this.ordered;
  }

  get live(): Recording[] {
    const all = this.all;
    const end = all.findIndex(recording => !isLive(recording));
    return all.slice(0, end < 0 ? all.length : end);
  }

  /** Every tag, in alphabetical order. */
  get tags(): string[] {
    return [...new Set(this.all.flatMap(({ tags }) => tags))].sort((one, other) => one.localeCompare(other));
  }

  fitting(filter: Filter): readonly Recording[] {
    return isAny(filter) ? this.all : this.all.filter(recording => fits(recording, filter));
  }
}

/** Whether a filter lets everything through. */
export function isAny({ q, kind, state, tag }: Filter): boolean {
  return q === '' && kind === '' && state === '' && tag === '';
}

export function fits(recording: Recording, { q, kind, state, tag }: Filter): boolean {
  const words = q.toLowerCase();
  return (
    (kind === '' || recording.kind === kind) &&
    (state === '' || recording.state === state) &&
    (tag === '' || recording.tags.includes(tag)) &&
    (words === '' || namesOf(recording).some(name => name.toLowerCase().includes(words)))
  );
}

function namesOf({ id, name, title, tags }: Recording): string[] {
  return [id, name, title, ...tags];
}
