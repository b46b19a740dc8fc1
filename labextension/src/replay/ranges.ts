/**
 * Reads ranges of files that the host has.
 */

import type { ReadRange } from './model/cast-file';
import type { FromFrame, ToFrame } from './port';

type Answer = ToFrame & { readonly type: 'bytes' };

export class Ranges {
  private readonly asked = new Map<number, { resolve: (data: ArrayBuffer) => void; reject: (error: Error) => void }>();
  private next = 0;

  constructor(private readonly send: (message: FromFrame) => void) {}

  of(file: string): ReadRange {
    return (start, end) =>
      new Promise((resolve, reject) => {
        const id = this.next;
        this.next += 1;
        this.asked.set(id, { resolve, reject });
        this.send({ type: 'read', id, file, start, end });
      });
  }

  take(answer: Answer): void {
    const waiting = this.asked.get(answer.id);
    this.asked.delete(answer.id);
    if ('data' in answer && answer.data instanceof ArrayBuffer) {
      waiting?.resolve(answer.data);
    } else {
      waiting?.reject(new Error('error' in answer ? answer.error : 'nothing came'));
    }
  }
}
