/**
 * A red dot on the tabs of documents that are recorded.
 */

import type { Widget } from '@lumino/widgets';

const RECORDED = 'jr-mod-recorded';

export function markTab({ title }: Widget, recorded: boolean): void {
  const words = title.className.split(' ').filter(word => word !== '' && word !== RECORDED);
  const className = [...words, ...(recorded ? [RECORDED] : [])].join(' ');
  if (title.className !== className) {
    title.className = className;
  }
}
