import assert from 'node:assert/strict';
import { test } from 'node:test';

import { nameOf, startCode } from './kernel-code';

test('a notebook names its recording in one word', () => {
  const names = ['a/b/My Notebook (2).ipynb', '--dir=x.ipynb', '.ipynb', 'Größe.ipynb', `x'); evil(.ipynb`].map(nameOf);
  assert.deepEqual(names, ['My-Notebook-2-', 'dir-x', 'notebook', 'Größe', 'x-evil-']);
});

test('what is run in the kernel is one line without anything but ASCII', () => {
  const code = startCode('Größe "1".ipynb', ['\u2028😀"\'\\d']);
  assert.match(code, /^exec\("[\x20-\x7e]*", \{'get_ipython': get_ipython\}\)$/);
});
